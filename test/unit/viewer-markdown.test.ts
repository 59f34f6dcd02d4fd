/** Versions of a Markdown text that are read at the same time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokensList } from "marked";

/** Answers one text after the other, with the text, as a worker does. */
class EchoWorker {
  onmessage: ((event: { data: string }) => void) | undefined;

  postMessage(text: string): void {
    setTimeout(() => this.onmessage?.({ data: text }));
  }

  terminate(): void {
    throw new Error("The worker has answered in time.");
  }
}

test("each version gets its own answer", async () => {
  // The names are those that the build of the page fills in.
  Object.assign(globalThis, { Worker: EchoWorker, WORKER: "worker.js", MARKDOWN: "markdown.js" });
  const { MarkdownReader } = await import("../../src/viewer/page/views/markdown-reader.ts");
  const reader = new MarkdownReader();
  const answers: unknown[] = await Promise.all(["first", "second", "third"].map((text) => reader.read(text)));
  assert.deepEqual(answers as (TokensList | string)[], ["first", "second", "third"]);
});
