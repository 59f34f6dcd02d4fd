/**
 * Bodies of clients who leave before their answer begins.
 * @module
 */
import type { Exchange } from "./service.ts";

/** The body, ended when its client has gone: not every runtime cancels it then. */
export function abandonable({ c, platform }: Exchange, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (!platform.onGone) return body;
  const reader = body.getReader();
  platform.onGone(c, () => void reader.cancel().catch(() => {}));
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
