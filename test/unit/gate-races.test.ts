/** Paths that change between the question to the gate and the read. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createStreams, memoryStore } from "../../src/index.ts";

describe("a request that may only list a folder", () => {
  const queries = [
    "",
    "live=long-poll&offset=0",
    "live=sse&offset=-1",
    "tail=3",
    "raw",
    "offset=0",
    "lines",
    "search=S",
  ];
  for (const query of queries) {
    it(`gets nothing of a file that takes its place meanwhile: ${JSON.stringify(query)}`, async () => {
      const store = memoryStore();
      const list = store.list.bind(store);
      let isFolder = false;
      store.list = async (path, options) => {
        const was = isFolder && path === "x";
        isFolder = false;
        return was ? (async function* () {})() : list(path, options);
      };
      const streams = createStreams({ store, authorize: ({ action }) => action === "list" });
      await streams.append("x", "SECRET");
      isFolder = true;
      const response = await streams.app.request(`http://localhost/x?${query}`);
      const text = await response.text();
      assert.ok(response.status === 404 || response.status === 403, `${response.status} ${text}`);
      assert.doesNotMatch(text, /SECRET/);
      await streams.shutdown();
    });
  }
});
