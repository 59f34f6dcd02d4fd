/** Live reads of a path that an append is about to create. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { createStreams, memoryStore, type Store } from "../../src/index.ts";

/** A store that claims a path only once it is told to. */
function slowStore(): { store: Store; claim: () => void } {
  const store = memoryStore();
  const original = store.claim.bind(store);
  let claim = (): void => {};
  const told = new Promise<void>((resolve) => {
    claim = resolve;
  });
  store.claim = async (...args) => {
    await told;
    return original(...args);
  };
  return { store, claim };
}

async function firstOf({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const text = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  return text;
}

describe("a live read waits for an append that was begun before", () => {
  for (const query of ["live=sse&offset=0", "live=sse&offset=-1", "live=long-poll&offset=-1"]) {
    it(`over the app: ${query}`, async () => {
      const { store, claim } = slowStore();
      const streams = createStreams({ store });
      const writer = streams.openAppend("a").then((append) => append.getWriter());
      const answer = Promise.resolve(streams.app.request(`http://localhost/a?${query}`));
      claim();
      await (await writer).write("Every ");
      const response = await answer;
      assert.equal(response.status, 200);
      assert.match(await firstOf(response), /Every |streamNextOffset/);
      await streams.shutdown();
    });
  }

  it("in a route of the app, with respond()", async () => {
    const { store, claim } = slowStore();
    const streams = createStreams({ store });
    let writer: Promise<WritableStreamDefaultWriter<Uint8Array | string>> | undefined;
    const app = new Hono().get("/chat", (c) => {
      writer = streams.openAppend("a").then((append) => append.getWriter());
      return streams.respond(c, "a");
    });
    const answer = Promise.resolve(app.request("http://localhost/chat?live=sse"));
    claim();
    await (await writer)?.write("Every ");
    const response = await answer;
    assert.equal(response.headers.get("Content-Type"), "text/event-stream");
    assert.equal(response.status, 200);
    await response.body?.cancel();
    await streams.shutdown();
  });

  it("and is 404 if it is refused", async () => {
    const store = memoryStore();
    store.claim = () => Promise.reject(new Error("no"));
    const streams = createStreams({ store, log: () => {} });
    const append = assert.rejects(streams.append("a", "x"));
    assert.equal((await streams.app.request("http://localhost/a?live=sse&offset=0")).status, 404);
    await append;
    await streams.shutdown();
  });
});
