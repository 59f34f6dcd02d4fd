/**
 * Bodies that break off when the permission of their request ends.
 * @module
 */
import { type Exchange, whenSent } from "../service/service.ts";
import { hasEnded, permissionEnded, whenExpired } from "../timers/expiry.ts";

/**
 * Calls back once if the permission of a request ends before its response has been sent.
 *
 * @returns Call it when the body has ended, with `true` if the response is over, too.
 */
export function whenExpiredUnsent(exchange: Exchange, expired: () => void): (isOver?: boolean) => void {
  const stop = whenExpired(exchange.access?.expiresAtMs, expired);
  // A client may leave the rest of a body that has ended in the buffers of the server.
  return (isOver = false) => void (isOver ? stop() : whenSent(exchange).then(stop));
}

/**
 * Returns the body. If the permission ends first, the body fails and its connection is dropped, whether or not its
 * client reads.
 */
export function untilExpired(exchange: Exchange, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const { c, platform, access, subject } = exchange;
  const expiresAtMs = access?.expiresAtMs;
  if (expiresAtMs === undefined) return body;
  const reader = body.getReader();
  let ended: (isOver?: boolean) => void = () => {};
  let isExpired = false;
  const expire = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (isExpired) return;
    isExpired = true;
    controller.error(permissionEnded(subject.path));
    reader.cancel().catch(() => {});
    // A server does not notice that a body has failed while it waits for the client.
    platform.drop?.(c);
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        ended = whenExpiredUnsent(exchange, () => expire(controller));
      },
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          ended(true);
          throw error;
        });
        // The piece may have come before the timer.
        if (hasEnded(expiresAtMs)) expire(controller);
        if (isExpired) return ended(true);
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      },
      cancel(reason) {
        ended(true);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
