/** The removal of a resource: what it removes, and what it leaves in place. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { type Admission, AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { removePath } from "../../src/engine/sessions/removal.ts";
import { Sessions } from "../../src/engine/sessions/sessions.ts";
import type { ListOptions, Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, SharedStore } from "../fixture/shared-store.ts";

const running: AppendRegistry[] = [];

afterEach(async () => {
  await closeServers();
  await Promise.all(running.splice(0).map((registry) => registry.close()));
});

interface Server {
  readonly registry: AppendRegistry;
  readonly sessions: Sessions;
  /** What the server was told to be removed. */
  readonly removed: unknown[];
}

function serverOn(store: Store): Server {
  const removed: unknown[] = [];
  const registry = new AppendRegistry(store, resolveLimits(), { removed: (...what) => removed.push(what) });
  running.push(registry);
  return { registry, sessions: new Sessions(registry, (path, error) => assert.fail(`/${path}: ${error}`)), removed };
}

/** A store with five bytes at "a". */
async function withFile(): Promise<SharedStore> {
  const store = new SharedStore();
  await put(store, "a", "12345");
  return store;
}

describe("a removal", () => {
  it("removes the path, and tells who has asked for it", async () => {
    const store = await withFile();
    await put(store, "b", "1");
    const server = serverOn(store);
    assert.equal(await removePath(server, "a", {}, "request-1"), true);
    assert.equal(await removePath(server, "b"), true);
    assert.deepEqual([await store.stat("a"), await store.stat("b")], [undefined, undefined]);
    assert.deepEqual(server.removed, [
      ["a", "request-1"],
      ["b", undefined],
    ]);
    assert.equal(server.registry.isTaken("a"), false);
  });

  it("of what does not exist changes nothing", async () => {
    const store = withMembers<Store>(new SharedStore(), { remove: () => assert.fail("there is nothing to remove") });
    const server = serverOn(store);
    assert.equal(await removePath(server, "none"), false);
    assert.deepEqual(server.removed, []);
  });

  it("of a folder is refused, after a look at its first row only", async () => {
    const shared = new SharedStore();
    for (const path of ["f/a", "f/b"]) await put(shared, path, "1");
    const looks: (ListOptions | undefined)[] = [];
    const store = withMembers<Store>(shared, {
      list: (folder, options) => {
        looks.push(options);
        return shared.list(folder, options);
      },
    });
    const refused = await rejectsWith(removePath(serverOn(store), "f"), "path_conflict");
    assert.equal(refused.path, "f");
    assert.match(refused.message, /"\/f" is a folder/);
    assert.deepEqual(looks, [{ limit: 1 }]);
    assert.equal((await shared.stat("f/a"))?.size, 1);
  });

  it("fails with the error of the store", async () => {
    for (const failure of [new StreamError("denied", "Not for you."), new Error("conflict")]) {
      const store = withMembers<Store>(await withFile(), { remove: () => Promise.reject(failure) });
      const server = serverOn(store);
      await assert.rejects(removePath(server, "a"), (error) => error === failure);
      assert.deepEqual([server.removed, server.registry.isTaken("a")], [[], false]);
    }
  });
});

describe("a removal of a path that is in use", () => {
  it("is refused while an append is under way here", async () => {
    const store = await withFile();
    const server = serverOn(store);
    const admission = await server.registry.admit("a");
    const refused = await rejectsWith(removePath(server, "a"), "in_use");
    assert.deepEqual([refused.path, refused.headers], ["a", {}]);
    assert.ok(refused.cause instanceof StreamError && refused.cause.code === "conflict");
    assert.match(refused.message, /"\/a" has an appender/);
    await admission.end("complete");
    assert.equal(await removePath(server, "a"), true);
  });

  it("is refused while an append is under way in another process", async () => {
    const store = await withFile();
    const [server, other] = [serverOn(store), serverOn(store)];
    const admission = await other.registry.admit("a");
    const looked = withMembers<Store>(store, { remove: () => assert.fail("the append would lose its path") });
    await rejectsWith(removePath(serverOn(looked), "a"), "in_use");
    await admission.end("complete");
    assert.equal(await removePath(server, "a"), true);
  });

  it("is refused while a session waits for its appender, and says for how long", async () => {
    const store = await withFile();
    const server = serverOn(store);
    const { session } = await server.sessions.open("a");
    const refused = await rejectsWith(removePath(server, "a"), "in_use");
    assert.match(refused.headers["Retry-After"] ?? "", /^\d+$/);
    await session.end("complete");
    assert.equal(await removePath(server, "a"), true);
  });

  it("is refused while there is a session of a process that has ended, which goes on here", async () => {
    const store = await withFile();
    await store.sessions.save({ path: "a", digest: "d" });
    const server = serverOn(store);
    await rejectsWith(removePath(server, "a"), "in_use");
    assert.equal(server.registry.isTaken("a"), true);
    assert.deepEqual([(await store.onRecord())?.digest, (await store.stat("a"))?.size], ["d", 5]);
  });

  it("is refused while there is a session that can't go on here", async () => {
    const store = await withFile();
    await store.sessions.save({ path: "a", digest: "d" });
    store.errors.set("claim", new StreamError("conflict", "Another process has it."));
    await rejectsWith(removePath(serverOn(store), "a"), "in_use");
    assert.equal((await store.stat("a"))?.size, 5);
  });

  it("is refused if a session comes at the last moment, and says for how long", async () => {
    const shared = await withFile();
    const store = withMembers<Store>(shared, {
      remove: async (path, check) => {
        await shared.sessions.save({ path, digest: "d", graceLeftMs: 7_000 });
        return await shared.remove(path, check);
      },
    });
    const refused = await rejectsWith(removePath(serverOn(store), "a"), "in_use");
    assert.deepEqual(refused.headers, { "Retry-After": "7" });
    assert.equal((await shared.stat("a"))?.size, 5);
  });

  it("lets no append begin until it is over", async () => {
    const store = await withFile();
    let admitted: Promise<Admission> | undefined;
    const server: Server = serverOn(
      withMembers<Store>(store, {
        remove: async (path, check) => {
          admitted = server.registry.admit("a");
          await settle();
          return await store.remove(path, check);
        },
      }),
    );
    assert.equal(await removePath(server, "a"), true);
    const admission = await admitted;
    assert.equal(admission?.batcher.channel.size, 0);
    await admission?.end("complete");
  });
});

describe("the preconditions of a removal", () => {
  it("are met by the content that they name", async () => {
    const store = await withFile();
    const { generation } = (await store.stat("a")) ?? {};
    assert.equal(await removePath(serverOn(store), "a", { generation, offset: 5 }), true);
  });

  it("are checked even if the store does not check them, before anything is removed", async () => {
    const store = withMembers<Store>(await withFile(), { remove: () => assert.fail("it must stay") });
    const server = serverOn(store);
    await rejectsWith(removePath(server, "a", { generation: "another" }), "replaced");
    const failed = await rejectsWith(removePath(server, "a", { offset: 4 }), "precondition_failed");
    assert.equal(failed.path, "a");
    const refused = new StreamError("precondition_failed", "Not this one.");
    const check = (found: unknown): void => {
      assert.ok(found);
      throw refused;
    };
    await assert.rejects(removePath(server, "a", { check }), refused);
    await rejectsWith(removePath(server, "none", { generation: "another" }), "replaced");
  });

  it("are checked again at the last moment", async () => {
    const shared = await withFile();
    const store = withMembers<Store>(shared, {
      remove: async (path, check) => {
        await put(shared, path, "6");
        return await shared.remove(path, check);
      },
    });
    const server = serverOn(store);
    await rejectsWith(removePath(server, "a", { offset: 5 }), "precondition_failed");
    assert.equal((await shared.stat("a"))?.size, 6);
    assert.deepEqual(server.removed, []);
  });

  it("come before the question whether the path is in use", async () => {
    const server = serverOn(await withFile());
    const admission = await server.registry.admit("a");
    await rejectsWith(removePath(server, "a", { generation: "another" }), "replaced");
    await admission.end("complete");
  });
});
