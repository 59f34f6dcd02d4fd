/**
 * Bodies that break off when the permission of their request ends.
 * @module
 */
import type { Exchange } from "../service/service.ts";
import { permissionEnded, whenExpired } from "../timers/expiry.ts";

/** Returns the body. If the permission ends first, the body fails. */
export function untilExpired(
  { access, subject: { path } }: Exchange,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  if (access?.expiresAtMs === undefined) return body;
  const reader = body.getReader();
  let stop = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop = whenExpired(access.expiresAtMs, () => {
          controller.error(permissionEnded(path));
          reader.cancel().catch(() => {});
        });
      },
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          stop();
          throw error;
        });
        if (!done) return controller.enqueue(value);
        stop();
        controller.close();
      },
      cancel(reason) {
        stop();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
