/**
 * Streams of text, and readers that tell what they have read.
 * @module
 */
import assert from "node:assert/strict";

/** A stream of these chunks. */
export function textOf(...chunks: string[]): ReadableStream<string> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** Reads a stream to its end. */
export function reading(stream: ReadableStream<string> | null | undefined) {
  assert.ok(stream);
  const reader = stream.getReader();
  const state = { text: "", onText: (): void => {} };
  const all = (async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      state.text += next.value;
      state.onText();
    }
    return state.text;
  })();
  all.catch(() => {});
  return {
    all,
    get text() {
      return state.text;
    },
    has: async (wanted: string): Promise<void> => {
      while (state.text !== wanted) {
        const more = new Promise<void>((resolve) => {
          state.onText = resolve;
        });
        await Promise.race([more, all]);
        if (state.text.length >= wanted.length) assert.equal(state.text, wanted);
      }
    },
  };
}
