/**
 * Bodies whose reader is of interest.
 * @module
 */

/**
 * The body, telling once how many bytes of it were taken: at its end, when it fails, or when its reader leaves.
 *
 * @param cut Drops the connection of a body that fails, in place of the error. A server that is given the error instead
 * may write it to the console, and end a response that it has not begun as if it were complete.
 */
export function counted(
  body: ReadableStream<Uint8Array>,
  ended: (bytes: number, error?: unknown) => void,
  cut?: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  let isOver = false;
  // A reader may leave while a piece is being read for it.
  const end = (error?: unknown): void => {
    if (!isOver) ended(bytes, error);
    isOver = true;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          end(error);
          if (!cut) throw error;
          // The body is cancelled with its connection.
          return new Promise<never>(() => void cut());
        });
        if (isOver) return;
        if (done) {
          end();
          controller.close();
          return;
        }
        bytes += value.length;
        controller.enqueue(value);
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
