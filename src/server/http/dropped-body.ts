/**
 * Notices response bodies that are never sent: a middleware has thrown after the handler had answered, or put a response of
 * its own in the place of the handler's. No runtime tells the body, which would wait for its reader for ever.
 * @module
 */
import type { Context } from "hono";

/** Milliseconds between two looks. */
const LOOK_EVERY_MS = 250;

/** Milliseconds after which a body that nobody reads counts as dropped, whatever the app has decided on. */
const MOST_UNREAD_MS = 10_000;

interface Waiting {
  readonly c: Context;
  readonly dropped: () => void;
  leftMs: number;
}

/** Those that have no reader yet. */
const waiting = new Map<ReadableStream<Uint8Array>, Waiting>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once when the body of a response is not going to be read. */
export function whenDropped(c: Context, body: ReadableStream<Uint8Array>, dropped: () => void): void {
  waiting.set(body, { c, dropped, leftMs: MOST_UNREAD_MS });
  timer ??= setInterval(look, LOOK_EVERY_MS);
}

/** Looks at all of them: one timer for any number of bodies. Nearly all have their reader at the first look. */
function look(): void {
  for (const [body, one] of waiting) {
    one.leftMs -= LOOK_EVERY_MS;
    const isTaken = body.locked;
    if (!isTaken && one.leftMs > 0 && !isReplaced(one.c, body)) continue;
    waiting.delete(body);
    if (!isTaken) one.dropped();
  }
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** Whether the app has decided on a response with another body. */
function isReplaced(c: Context, body: ReadableStream<Uint8Array>): boolean {
  return c.finalized && c.res.body !== body;
}
