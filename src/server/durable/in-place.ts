/**
 * Requests that take a slot among the connections until they are answered.
 * @module
 */
import type { Purpose } from "../service/connection-limiter.ts";
import type { Exchange, Service } from "../service/service.ts";

/** Maximum bytes of a body that is read whole without a slot among the connections. */
const SHORT_BYTES = 64 * 1024;

/**
 * Answers a request that takes a slot among the connections until it is answered, or its connection ends.
 *
 * @throws {StreamError} `overloaded`, `too_many`; what `respond` throws.
 */
export async function inPlace(
  { connectionLimiter }: Service,
  exchange: Exchange,
  purpose: Purpose,
  respond: () => Promise<Response>,
): Promise<Response> {
  const slot = connectionLimiter.enter(exchange.subject, purpose);
  exchange.slot = slot;
  try {
    const response = await respond();
    if (!slot.isKept) slot.leave();
    return response;
  } catch (error) {
    slot.leave();
    throw error;
  }
}

/**
 * Answers a request whose body is read whole. A short body costs less than a slot, and has little time.
 *
 * @throws {StreamError} as {@link inPlace}.
 */
export async function inPlaceUnlessShort(
  service: Service,
  exchange: Exchange,
  respond: () => Promise<Response>,
): Promise<Response> {
  const isShort = Number(exchange.c.req.header("Content-Length") ?? Number.NaN) <= SHORT_BYTES;
  return isShort ? respond() : inPlace(service, exchange, "append", respond);
}
