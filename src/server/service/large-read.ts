/**
 * Reads whose bodies do not fit into the buffers of a socket: each has a slot among the connections for as long as its
 * body is open, and a reader that takes nothing is dropped.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import { BodyReading } from "../timers/stalled-readers.ts";
import { type Exchange, type Service, whenSent } from "./service.ts";

/** Bytes of the largest body that is free: a socket takes it at once, whether or not its client reads. */
export const FREE_BYTES: number = 64 * 1024;

/**
 * Opens the body of a response. A large one takes a slot among the connections first, unless the request has one.
 * {@link watchReader} gives it back.
 *
 * @param bytes Size of the body.
 * @throws {StreamError} `overloaded`, `too_many`
 */
export function openBody<T extends Response | Promise<Response>>(
  { connectionLimiter }: Service,
  exchange: Exchange,
  bytes: number,
  open: () => T,
): T {
  if (bytes <= FREE_BYTES) return open();
  exchange.slot ??= connectionLimiter.enter(exchange.subject, "read");
  const { slot } = exchange;
  slot.isKept = true;
  try {
    return open();
  } catch (error) {
    slot.leave();
    throw error;
  }
}

/** The reader of a body whose request has a slot. */
export interface WatchedReader extends Pick<BodyReading, "asks" | "gets"> {
  /** The body has ended. The slot is free once the response is sent. */
  over(): void;
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
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    // A client may leave the rest of a body that has ended in the buffers of the server.
    void whenSent(exchange).then(() => {
      readers.remove(reading);
      slot.leave();
    });
  };
  const reading = new BodyReading((error) => {
    reporter.traffic.refused(error.code);
    stalled(error);
    over();
    platform.drop?.(c);
  });
  readers.add(reading);
  return { asks: () => reading.asks(), gets: () => reading.gets(), over };
}
