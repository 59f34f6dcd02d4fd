/**
 * Reads whose bodies do not fit into the buffers of a socket: each has a slot among the connections for as long as its
 * body is open, and a client that reads nothing is dropped.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import { checkPermission } from "../timers/expiry.ts";
import { BodyReading } from "../timers/stalled-readers.ts";
import { type Exchange, type Service, whenSent } from "./service.ts";

/** Bytes of the largest body that is free: a socket buffers it at once, whether or not its client reads. */
export const FREE_BYTES: number = 64 * 1024;

/**
 * Opens the body of a response. A large one occupies a slot among the connections first, unless the request has one.
 * {@link watchReader} gives it back.
 *
 * @param bytes Size of the body.
 * @throws {StreamError} `unauthorized` if the permission of the request has ended; `overloaded`, `too_many`; what `open`
 * throws.
 */
export async function openBody(
  { connectionLimiter }: Service,
  exchange: Exchange,
  bytes: number,
  open: () => Promise<Response>,
): Promise<Response> {
  checkPermission(exchange);
  if (bytes <= FREE_BYTES) return open();
  const isOwn = exchange.slot === undefined;
  const slot = exchange.slot ?? connectionLimiter.enter(exchange.subject, "read");
  exchange.slot = slot;
  slot.isKept = true;
  try {
    return await open();
  } catch (error) {
    slot.isKept = false;
    if (isOwn) {
      slot.leave();
      // A second attempt occupies a slot of its own.
      delete exchange.slot;
    }
    throw error;
  }
}

/** The reader of a body whose request has a slot. */
export interface WatchedReader extends Pick<BodyReading, "asks" | "gets"> {
  /**
   * The body has ended, or was broken off. The slot is free once the response is sent; at once if the rest of a broken body
   * stays in the buffers of a server that can't drop its connection.
   */
  over(isWhole: boolean): void;
}

/**
 * Watches the reader of a body that has a slot, until the response is sent.
 *
 * @param stalled Breaks the body off. The connection is dropped as well, where the platform can.
 * @returns `undefined` if the body needs no slot.
 */
export function watchReader(
  { readers, reporter }: Service,
  exchange: Exchange,
  stalled: (error: StreamError) => void,
): WatchedReader | undefined {
  const { c, platform, slot } = exchange;
  if (!slot?.isKept) return undefined;
  const leave = (): void => {
    readers.remove(reading);
    slot.leave();
  };
  const over = (isWhole: boolean): void => {
    const isKept = isWhole || platform.drop !== undefined;
    // A client may leave the rest of a body that has ended in the buffers of the server.
    void (isKept ? whenSent(exchange).then(leave) : leave());
  };
  const reading = new BodyReading((error) => {
    reporter.traffic.refused(error.code);
    stalled(error);
    // The body may have ended before.
    over(false);
    platform.drop?.(c);
  });
  readers.add(reading);
  return { asks: () => reading.asks(), gets: () => reading.gets(), over };
}
