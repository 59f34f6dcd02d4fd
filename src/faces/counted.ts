/**
 * Bodies whose reader is of interest.
 * @module
 */

/** The body, telling once how many bytes of it were taken: at its end, when it fails, or when its reader leaves. */
export function counted(
  body: ReadableStream<Uint8Array>,
  ended: (bytes: number, error?: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            bytes += value.length;
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          ended(bytes, error);
          throw error;
        }
        ended(bytes);
        controller.close();
      },
      cancel(reason) {
        ended(bytes);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
