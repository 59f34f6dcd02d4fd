/** What a follow of a path follows: its append, or what is stored. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { Admission } from "../../src/engine/append/registry.ts";
import { findContent } from "../../src/engine/sessions/find-content.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { digestOf } from "../../src/support/token.ts";
import { put } from "../contract/store/driver.ts";
import { closeServers, SessionServer, SharedStore } from "../fixture/shared-store.ts";

afterEach(closeServers);

/** A store with five bytes at "a", of which each look tells what the test says. */
async function watched(look: (found: StoreStat | undefined) => Promise<StoreStat | undefined>) {
  const store = new SharedStore();
  await put(store, "a", "12345");
  const stat = store.stat.bind(store);
  store.stat = async (path) => await look(await stat(path));
  return new SessionServer(store);
}

describe("the content of a path", () => {
  it("is its append, which the caller leaves", async () => {
    const server = new SessionServer(new SharedStore());
    const { session } = await server.sessions.open("a");
    const { lease, stored } = await findContent(server, "a");
    assert.deepEqual([lease?.source.path, lease?.source.generation], ["a", session.generation]);
    assert.equal(stored, undefined);
    lease?.leave();
  });

  it("is the append of a session whose process has ended, which goes on here", async () => {
    const store = new SharedStore();
    await put(store, "a", "12345");
    await store.sessions.save({ path: "a", digest: await digestOf("token") });
    const server = new SessionServer(store);
    const { lease } = await findContent(server, "a");
    assert.deepEqual([lease?.source.size, server.registry.isTaken("a")], [5, true]);
    lease?.leave();
  });

  it("is what is stored if there is no append, or nothing", async () => {
    const store = new SharedStore();
    await put(store, "a", "12345");
    const server = new SessionServer(store);
    assert.deepEqual(await findContent(server, "a"), { stored: await store.stat("a") });
    assert.deepEqual(await findContent(server, "none"), { stored: undefined });
  });

  it("is an append that has begun since the look for one", async () => {
    let looks = 0;
    let admission: Admission | undefined;
    const server: SessionServer = await watched(async (found) => {
      if (++looks > 1 || !found) return found;
      // The look at the store comes after the look for an append.
      admission = await server.registry.admit("a");
      return { ...found, appending: true };
    });
    const { lease, stored } = await findContent(server, "a");
    assert.deepEqual([lease?.source.size, stored], [5, undefined]);
    lease?.leave();
    await admission?.end("complete");
  });

  it("is what is stored if an append shows in the store only, after five looks", async () => {
    let looks = 0;
    const server = await watched(async (found) => {
      looks++;
      return found && { ...found, appending: true };
    });
    const { lease, stored } = await findContent(server, "a");
    assert.deepEqual([lease, stored?.size, stored?.appending, looks], [undefined, 5, true, 5]);
  });

  it("can't be found if the store can't be read, or the server shuts down", async () => {
    const failure = new StreamError("storage", "It failed.");
    const server = await watched(() => Promise.reject(failure));
    await assert.rejects(findContent(server, "a"), failure);
    await server.registry.close();
    await assert.rejects(findContent(server, "a"), { code: "restarting" });
  });
});
