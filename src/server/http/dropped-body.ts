/**
 * Detects response bodies that are never sent: middleware has thrown after the handler returned, or has replaced the
 * handler's response. No runtime reports this to the body, which would wait for a reader forever.
 * @module
 */
import type { Context } from "hono";

/** Milliseconds between two checks. */
const LOOK_EVERY_MS = 250;

/** Milliseconds after which an unread body counts as dropped, whatever response the app has chosen. */
const MAX_UNREAD_MS = 10_000;

interface Waiting {
  readonly c: Context;
  readonly dropped: () => void;
  leftMs: number;
}

/** Bodies that have no reader yet. */
const waiting = new Map<ReadableStream<Uint8Array>, Waiting>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once if the body of a response is not going to be read. */
export function whenDropped(c: Context, body: ReadableStream<Uint8Array>, dropped: () => void): void {
  waiting.set(body, { c, dropped, leftMs: MAX_UNREAD_MS });
  timer ??= setInterval(look, LOOK_EVERY_MS);
  // A program that has nothing else to do may end.
  (timer as { unref?(): void }).unref?.();
}

/** Checks all bodies with one timer. Nearly all of them have a reader at the first check. */
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

/** Whether the app has chosen a response with another body. */
function isReplaced(c: Context, body: ReadableStream<Uint8Array>): boolean {
  return c.finalized && c.res.body !== body;
}
