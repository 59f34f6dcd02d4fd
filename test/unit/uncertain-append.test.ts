/** Appends of which the store does not say whether they are stored: nothing is lost, doubled or removed. */
import assert from "node:assert/strict";
import { afterEach, describe, it, type TestContext } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { mayContinue, storeUnavailable, withRetryAfter } from "../../src/engine/storage/unavailable.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { by, DurableRig, withHandles } from "../fixture/durable-rig.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { closeServers, SessionServer, SharedStore } from "../fixture/shared-store.ts";

afterEach(closeServers);

/** A store whose appends are uncertain while {@link Uncertain.isDown}: they are stored, but it does not say so. */
interface Uncertain {
  isDown: boolean;
  readonly calls: string[];
}

/** @param revokes Whether the driver revokes the handle itself, as the contract requires. */
function uncertainStore(revokes = true) {
  const state: Uncertain = { isDown: false, calls: [] };
  const store = withHandles(memoryStore(), (handle, path) => {
    const revoking = new AbortController();
    const certain = handle.offset;
    let isUncertain = false;
    return {
      revoked: revoking.signal,
      append: async (batch, change) => {
        const size = await handle.append(batch, change);
        if (!state.isDown) return size;
        isUncertain = true;
        const error = storeUnavailable(path);
        if (revokes) revoking.abort(error);
        throw error;
      },
      get offset() {
        return isUncertain ? certain : handle.offset;
      },
      get stream() {
        return isUncertain ? undefined : handle.stream;
      },
      release: async (ended) => {
        state.calls.push(`release ${ended}`);
        // It does not know how the append ended either.
        await handle.release(isUncertain ? undefined : ended);
      },
      discard: async () => {
        state.calls.push("discard");
        await handle.discard?.();
      },
    };
  });
  return { store, state };
}

describe("a session whose append is uncertain", () => {
  it("stays on record, and ends here as one that goes on elsewhere, even if the driver does not revoke it", async () => {
    const store = new SharedStore();
    const server = new SessionServer(store, { graceMs: 60_000 });
    const { session } = await server.sessions.open("a");
    const told: string[] = [];
    const connection = { superseded: () => {}, failed: ({ code }: StreamError) => void told.push(code) };
    await session.attach(connection);
    store.errors.set("append", storeUnavailable("a"));
    store.calls.length = 0;
    session.push(connection, Buffer.from("12345"));
    await settle();
    assert.deepEqual(await session.end("complete"), { size: 0, reason: "restarting" });
    assert.deepEqual(told, ["unavailable"]);
    assert.equal((await store.onRecord())?.digest, session.digest);
    assert.deepEqual(
      store.calls.filter((call) => /^(leaveEndMarker|removeRecord|release|discard|verify)/.test(call)),
      ["release a restarting"],
    );
    assert.deepEqual(server.problems, []);
  });

  it("can be resumed, and continues where the next claim says", async () => {
    const { store, state } = uncertainStore();
    const server = new SessionServer(store, { graceMs: 60_000 });
    const { session, token } = await server.sessions.open("a");
    const connection = { superseded: () => {} };
    await session.attach(connection);
    state.isDown = true;
    session.push(connection, Buffer.from("12345"));
    await settle();
    assert.equal((await session.end("restarting")).reason, "restarting");
    state.isDown = false;
    const resumed = await server.sessions.resume("a", token);
    assert.notEqual(resumed, session);
    const other = { superseded: () => {} };
    assert.equal(await resumed.attach(other), 5, "what was uncertain is stored, and is not sent again");
    await resumed.end("complete");
  });
});

describe("an append without a session that is uncertain", () => {
  it("tells followers to look for what comes next", async () => {
    const rig = new Rig();
    const first = await rig.admit("a");
    await rig.push(first, "known ");
    const running = rig.follow(first);
    rig.store.holding = true;
    const pushed = rig.push(first, "unknown");
    const held = await rig.store.next();
    held.fail("unavailable");
    await pushed;
    assert.equal(first.batcher.error?.code, "unavailable");
    assert.deepEqual(await first.end("lost"), { size: 6, reason: "restarting" });
    assert.equal(await running.ended, "restarting");
    assert.equal(running.sink.bytes.toString(), "known ");
  });

  it("is answered with 503 and Retry-After, over HTTP and as an append of many writers", async (t: TestContext) => {
    const { store, state } = uncertainStore();
    const app = fstream({ store, log: () => {} });
    t.after(() => app.close());
    await app.request("/s.txt", { method: "PUT", headers: { "Content-Type": "text/plain" } });
    state.isDown = true;
    const headers = { "Content-Type": "text/plain" };
    for (const target of ["/a.txt?verb=APPEND", "/s.txt"]) {
      const response = await app.request(target, { method: "POST", body: "hello", headers });
      assert.deepEqual(
        [response.status, response.headers.get("Stream-Error"), response.headers.get("Retry-After")],
        [503, "unavailable", "1"],
        target,
      );
    }
  });
});

describe("the writer of a path whose append is uncertain", () => {
  it("does not repeat it: the producer does, and its number decides", async (t) => {
    const { store, state } = uncertainStore();
    const it = new DurableRig(store);
    t.after(() => it.close());
    await it.create("a");
    state.isDown = true;
    await rejectsWith(it.append("a", "once", by("p", 0, 0)), "unavailable");
    state.isDown = false;
    const { offset, isNew } = await it.append("a", "once", by("p", 0, 0));
    assert.deepEqual([offset, isNew, await it.text("a")], [4, false, "once"]);
  });

  it("discards no creation that may be stored", async (t) => {
    const { store, state } = uncertainStore(false);
    const it = new DurableRig(store);
    t.after(() => it.close());
    state.isDown = true;
    await rejectsWith(it.create("a", "hello"), "unavailable");
    await settle();
    assert.deepEqual(state.calls, ["release restarting"]);
    state.isDown = false;
    const made = await it.create("a", "hello");
    assert.deepEqual([made.isNew, await it.text("a")], [false, "hello"], "it was stored");
    const found = (await store.stat("a")) as StoreStat;
    assert.equal(found.stream?.created, true);
  });
});

describe("an error of a store that does not answer", () => {
  it("says when to try again, and keeps what the driver says", () => {
    const bare = new StreamError("unavailable", "No quorum.", { path: "a", cause: new Error("why") });
    const full = withRetryAfter(bare);
    assert.deepEqual(
      [full.message, full.path, full.cause, full.headers],
      ["No quorum.", "a", bare.cause, { "Retry-After": "1" }],
    );
    const told = new StreamError("unavailable", "No quorum.", { headers: { "retry-after": "7" } });
    assert.equal(withRetryAfter(told), told);
    const other = new StreamError("conflict", "Taken.");
    assert.equal(withRetryAfter(other), other);
  });

  it("is one after which the append may go on", () => {
    for (const code of ["unavailable", "fenced"] as const) assert.ok(mayContinue(new StreamError(code, "x")), code);
    for (const error of [new StreamError("storage", "x"), new Error("x"), undefined]) assert.ok(!mayContinue(error));
  });
});
