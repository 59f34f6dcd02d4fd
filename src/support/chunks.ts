/**
 * The chunks of a stream.
 * @module
 */

/**
 * Yields the chunks of a stream, for browsers that cannot iterate over one. Cancels the stream when the signal aborts:
 * a response that comes from this process does not notice that its request was aborted.
 *
 * @param stream The stream; null for a response without a body.
 * @example
 * ```ts
 * for await (const bytes of chunks(response.body, signal)) console.log(bytes.length);
 * ```
 */
export async function* chunks(
  stream: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  if (!stream) return;
  const reader = stream.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
  }
}
