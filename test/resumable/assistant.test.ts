/** The store of `httpfstream/resumable` in assistant-ui's own context. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createInMemoryResumableStreamStore,
  createResumableStreamContext,
  type ResumableStreamStore,
} from "assistant-stream/resumable";
import { createStreams } from "../../src/index.ts";
import { createResumableStreamStore } from "../../src/resumable/mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const STORES: Record<string, () => Promise<{ store: ResumableStreamStore; close(): Promise<void> }>> = {
  "assistant-ui in memory": async () => ({ store: createInMemoryResumableStreamStore(), close: async () => {} }),
  "httpfstream/resumable": async () => {
    const root = await temporaryFolder("assistant");
    const streams = createStreams({ root });
    const close = async (): Promise<void> => {
      await streams.shutdown();
      await removeFolder(root);
    };
    return { store: createResumableStreamStore({ streams }), close };
  },
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

for (const [name, open] of Object.entries(STORES)) {
  describe(`the store of ${name}`, () => {
    it("elects one producer, and gives every reader all bytes", async () => {
      const { store, close } = await open();
      assert.equal(await store.status("a"), "missing");
      const first = await store.acquireLease?.("a");
      assert.ok(first?.role === "producer");
      assert.equal(await store.acquire("a"), "consumer");
      const early = collect(store, "a");
      await store.append("a", bytes("one "), first.lease);
      await store.append("a", bytes("two "), first.lease);
      assert.equal(await store.status("a"), "streaming");
      const late = collect(store, "a");
      await store.append("a", bytes("three"), first.lease);
      assert.notEqual(await store.finalize("a", "done", undefined, first.lease), false);
      assert.equal(await store.finalize("a", "done", undefined, first.lease), false);
      assert.equal(await store.status("a"), "done");
      for (const text of [await early, await late, await collect(store, "a")]) assert.equal(text, "one two three");
      assert.equal(await store.acquire("a"), "consumer");
      await close();
    });

    it("continues behind a cursor", async () => {
      const { store, close } = await open();
      await store.acquire("a");
      for (const text of ["one ", "two ", "three"]) await store.append("a", bytes(text));
      await store.finalize("a", "done");
      let cursor = "";
      let text = "";
      for await (const entry of store.read("a", "", new AbortController().signal)) {
        text += new TextDecoder().decode(entry.chunk);
        cursor = entry.cursor;
        if (text.length >= 4) break;
      }
      let rest = "";
      for await (const { chunk } of store.read("a", cursor, new AbortController().signal)) {
        rest += new TextDecoder().decode(chunk);
      }
      assert.equal(text + rest, "one two three");
      await close();
    });

    it("an error reaches the readers, with its message", async () => {
      const { store, close } = await open();
      await store.acquire("a");
      await store.append("a", bytes("half"));
      const reading = collect(store, "a");
      await store.finalize("a", "error", "the model is gone");
      await assert.rejects(reading, /the model is gone/);
      assert.equal(await store.status("a"), "error");
      await close();
    });

    it("aborting a read ends it without an error, and deleting a stream ends its readers", async () => {
      const { store, close } = await open();
      await store.acquire("a");
      await store.append("a", bytes("x"));
      const abort = new AbortController();
      const aborted = collect(store, "a", abort.signal);
      const reading = collect(store, "a");
      abort.abort();
      await aborted;
      await store.delete("a");
      await reading.catch(() => {});
      assert.equal(await store.status("a"), "missing");
      await store.delete("a");
      assert.equal(await store.acquire("a"), "producer");
      await store.delete("a");
      await close();
    });

    it("a producer that was superseded can't write to the new stream", async () => {
      const { store, close } = await open();
      const old = await store.acquireLease?.("a");
      assert.ok(old?.role === "producer");
      await store.delete("a");
      const now = await store.acquireLease?.("a");
      assert.ok(now?.role === "producer");
      await assert.rejects(store.append("a", bytes("old"), old.lease));
      assert.equal(await store.finalize("a", "done", undefined, old.lease), false);
      await store.append("a", bytes("new"), now.lease);
      await store.finalize("a", "done", undefined, now.lease);
      assert.equal(await collect(store, "a"), "new");
      await close();
    });

    it("serves assistant-ui's context: a reload in the middle, and a second tab", async () => {
      const { store, close } = await open();
      const context = createResumableStreamContext({ store });
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
      const make = (): ReadableStream<Uint8Array> =>
        new ReadableStream({
          start(it) {
            controller = it;
          },
        });
      const first = await context.run("chat", make);
      await until("the model", () => controller !== undefined);
      controller?.enqueue(bytes("hello "));
      const reader = first.getReader();
      assert.equal(new TextDecoder().decode((await reader.read()).value), "hello ");
      await reader.cancel();
      const tabs = [await context.resume("chat"), await context.run("chat", () => assert.fail("it is in progress"))];
      controller?.enqueue(bytes("world"));
      controller?.close();
      for (const tab of tabs) assert.equal(await new Response(tab).text(), "hello world");
      assert.equal(await context.resume("other"), null);
      await close();
    });
  });
}

async function collect(
  store: ResumableStreamStore,
  id: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const { chunk } of store.read(id, "", signal)) text += decoder.decode(chunk, { stream: true });
  return text;
}
