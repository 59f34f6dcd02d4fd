/** Opening, finding, checking and requesting sessions, and following a path from process to process. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { digestOf } from "../../src/support/token.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, gate, SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { PATIENCE_MS } from "../fixture/until.ts";

afterEach(closeServers);

const TOKEN = "token";

/** Two servers on one store, of which the first has a session of "a" with five bytes. */
async function servers(share: boolean) {
  const store = new SharedStore();
  if (share) store.shareAppends();
  const [one, other] = [new SessionServer(store), new SessionServer(store)];
  const { session, token } = await one.sessions.open("a");
  const told: string[] = [];
  const connection = { superseded: () => void told.push("superseded") };
  await session.attach(connection);
  session.push(connection, Buffer.from("12345"));
  await session.verify();
  store.calls.length = 0;
  return { store, one, other, session, token, connection, told };
}

/** Lets mocked timers pass, one pause after the other, until the work is done. */
async function throughPauses<T>(work: Promise<T>): Promise<T> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  settled.catch(() => {});
  // The work also waits for digests, which other threads compute: no number of turns is enough for sure.
  for (const deadline = Date.now() + PATIENCE_MS; !done && Date.now() < deadline; ) {
    await settle();
    mock.timers.tick(100);
  }
  assert.ok(done, "it should have ended after some pauses");
  return await settled;
}

/** Runs work whose timers fire only in {@link throughPauses}. */
async function withoutTimers(work: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await work();
  } finally {
    mock.timers.reset();
  }
}

test("an opened session is on record, by the digest of its token, and has the type that it was opened with", async () => {
  const store = new SharedStore();
  const { sessions } = new SessionServer(store);
  const { session, token } = await sessions.open("a", { offset: 0, type: "text/x-log" });
  assert.deepEqual(await store.onRecord(), { path: "a", digest: await digestOf(token) });
  assert.equal((await store.stat("a"))?.type, "text/x-log");
  await rejectsWith(sessions.open("a"), "conflict");
  await session.end("complete");
  await rejectsWith(sessions.open("a", { offset: 1 }), "precondition_failed");
  assert.equal(await store.onRecord(), undefined);
});

test("a server knows how many of its sessions wait for their appenders", async () => {
  const { one, other, session, connection } = await servers(false);
  assert.deepEqual([one.sessions.waiting, other.sessions.waiting], [0, 0]);
  const opened = await Promise.all(["b", "c"].map((path) => one.sessions.open(path)));
  assert.equal(one.sessions.waiting, 2);
  session.detach(connection);
  assert.equal(one.sessions.waiting, 3);
  await Promise.all(opened.map((each) => each.session.end("complete")));
  assert.deepEqual([one.sessions.waiting, other.sessions.waiting], [1, 0]);
});

test("a session is resumed by its token, in its path and generation only", async () => {
  const { one, session, token } = await servers(false);
  assert.equal(await one.sessions.resume("a", token), session);
  assert.equal(await one.sessions.resume("a", token, session.generation), session);
  const replaced = await rejectsWith(one.sessions.resume("a", token, "another"), "replaced");
  assert.equal(replaced.headers["Stream-Generation"], session.generation);
  const gone = await rejectsWith(one.sessions.resume("a", "another"), "gone");
  assert.equal(gone.path, "a");
  await rejectsWith(one.sessions.resume("b", token), "gone");
  await session.end("complete");
  await rejectsWith(one.sessions.resume("a", token), "gone");
});

test("a session whose content was removed is not resumed", async () => {
  const { store, one, session, token } = await servers(false);
  store.errors.set("verify", new StreamError("changed", "It was removed."));
  await rejectsWith(one.sessions.resume("a", token), "gone");
  assert.equal(session.ended, true);
  assert.equal(await store.onRecord(), undefined);
});

test("a session that still stores bytes is resumed without waiting for them", async () => {
  const { store, one, session, token, connection } = await servers(false);
  const held = gate();
  store.gates.set("append", held.promise);
  session.push(connection, Buffer.from("6"));
  assert.equal(await one.sessions.resume("a", token), session);
  assert.equal(session.queued, 1);
  const ended = session.end("complete");
  await rejectsWith(one.sessions.resume("a", token), "conflict");
  await rejectsWith(one.sessions.check("a", token), "conflict");
  held.open();
  await ended;
});

test("a session that another process can't hand over is refused for the moment", async () => {
  const { other, session, token } = await servers(false);
  const refused = await rejectsWith(other.sessions.resume("a", token), "conflict");
  assert.deepEqual([refused.path, refused.headers], ["a", { "Retry-After": "1" }]);
  assert.equal(session.ended, false);
});

test("a session that another process holds is requested from it, and continues here", async () => {
  await withoutTimers(async () => {
    const { store, other, session, token, told } = await servers(true);
    const resumed = await throughPauses(other.sessions.resume("a", token, session.generation));
    assert.deepEqual([resumed.offset, session.ended, told], [5, true, ["superseded"]]);
    assert.equal(store.claimed?.extraLeaseMs, 0, "its appender is here");
    assert.equal((await session.end("lost")).reason, "restarting");
    const requests = store.calls.filter((call) => /^(requestHandover|withdraw)/.test(call));
    assert.deepEqual(requests, ["requestHandover a", "withdraw a"]);
    assert.equal((await store.onRecord())?.digest, resumed.digest);
  });
});

test("a session whose process does not hand it over is refused after a while, and no longer requested", async () => {
  await withoutTimers(async () => {
    const { store, other, session, token } = await servers(true);
    const held = gate();
    store.gates.set("release", held.promise);
    await rejectsWith(throughPauses(other.sessions.resume("a", token)), "conflict");
    assert.equal(store.calls.filter((call) => call === "withdraw a").length, 1);
    held.open();
    await session.end("complete");
  });
});

test("a session that ends instead of being handed over is gone", async () => {
  await withoutTimers(async () => {
    const { store, other, session, token } = await servers(true);
    const ask = store.requestHandover;
    store.requestHandover = async (path) => {
      await session.end("complete");
      return (await ask?.(path)) ?? (async () => {});
    };
    await rejectsWith(other.sessions.resume("a", token), "gone");
    assert.ok(store.calls.includes("withdraw a"));
  });
});

test("a token that is not on record gives no right to request the path", async () => {
  const { store, other, session } = await servers(true);
  await rejectsWith(other.sessions.resume("a", "another"), "gone");
  assert.ok(!store.calls.some((call) => call.startsWith("requestHandover")));
  assert.equal(session.ended, false);
});

test("a session of a removed path is not requested from anybody", async () => {
  const store = new SharedStore();
  store.shareAppends();
  await store.sessions.save({ path: "a", digest: await digestOf(TOKEN) });
  await rejectsWith(new SessionServer(store).sessions.resume("a", TOKEN), "gone");
  assert.ok(!store.calls.some((call) => call.startsWith("requestHandover")));
});

test("a session whose process has ended is adopted by its own appender only, who requests nothing", async () => {
  const store = new SharedStore();
  store.shareAppends();
  await put(store, "a", "12345");
  await store.sessions.save({ path: "a", digest: await digestOf(TOKEN) });
  const { sessions, registry } = new SessionServer(store);
  await rejectsWith(sessions.resume("a", "another"), "gone");
  assert.equal(registry.isTaken("a"), false);
  assert.equal((await sessions.resume("a", TOKEN)).offset, 5);
  assert.equal(store.claimed?.extraLeaseMs, 0);
  assert.ok(!store.calls.some((call) => call.startsWith("requestHandover")));
});

test("a check of a token tells what a resumption would, and requests nothing", async () => {
  const { store, one, other, session, token } = await servers(true);
  await one.sessions.check("a", token);
  await one.sessions.check("a", token, { generation: session.generation });
  await rejectsWith(one.sessions.check("a", token, { generation: "another" }), "replaced");
  await rejectsWith(one.sessions.check("a", "another"), "gone");
  await rejectsWith(other.sessions.check("a", token), "conflict");
  await rejectsWith(other.sessions.check("a", "another"), "gone");
  assert.ok(!store.calls.some((call) => call.startsWith("requestHandover")));
});

test("a check of a token adopts its session, and no other, and checks its generation", async () => {
  const store = new SharedStore();
  await put(store, "a", "12345");
  await store.sessions.save({ path: "a", digest: await digestOf(TOKEN) });
  const { sessions, registry } = new SessionServer(store);
  await rejectsWith(sessions.check("a", "another"), "gone");
  assert.equal(registry.isTaken("a"), false);
  await rejectsWith(sessions.check("a", TOKEN, { generation: "another" }), "replaced");
  assert.equal(registry.isTaken("a"), true);
  assert.equal(store.claimed?.extraLeaseMs, 0, "its appender is there");
  await sessions.check("a", TOKEN, { generation: (await store.stat("a"))?.generation });
});

test("a check without a token tells whether a session could be opened", async () => {
  const { one, other, session } = await servers(false);
  await one.sessions.check("b", undefined);
  await one.sessions.check("b", undefined, { offset: 0 });
  await rejectsWith(one.sessions.check("b", undefined, { offset: 1 }), "precondition_failed");
  await rejectsWith(one.sessions.check("b", undefined, { generation: "g" }), "replaced");
  await rejectsWith(one.sessions.check("a", undefined, { generation: "g" }), "replaced");
  assert.match((await rejectsWith(one.sessions.check("a", undefined), "conflict")).message, /has an appender/);
  assert.match((await rejectsWith(other.sessions.check("a", undefined), "conflict")).message, /has an appender/);
  await session.end("complete");
  await one.sessions.check("a", undefined);
});

test("a server that shuts down finds no session", async () => {
  const { one, token } = await servers(false);
  await one.registry.close();
  await rejectsWith(one.sessions.resume("a", token), "restarting");
  await rejectsWith(one.sessions.check("a", token), "restarting");
  await rejectsWith(one.sessions.lease("a"), "restarting");
});

test("a path without an append and without a session has nothing to follow", async () => {
  const store = new SharedStore();
  await put(store, "a", "12345");
  assert.equal(await new SessionServer(store).sessions.lease("a"), undefined);
});

test("an append is followed here, from another process, and from a process that has ended", async () => {
  await withoutTimers(async () => {
    const { store, one, other, session } = await servers(true);
    assert.equal((await one.sessions.lease("a"))?.source.size, 5);
    assert.equal(store.count("watch"), 0, "an append of this process needs no watch");
    const lease = await other.sessions.lease("a");
    assert.deepEqual([lease?.source.size, store.count("watch")], [5, 1]);
    await store.revoke("a");
    await session.end("restarting");
    const next = await lease?.next();
    assert.deepEqual([next?.size, other.registry.isTaken("a")], [5, true]);
    lease?.leave();
  });
});

test("a session that no process shows to its followers is refused after a while", async () => {
  await withoutTimers(async () => {
    const { store, other } = await servers(false);
    const refused = await rejectsWith(throughPauses(other.sessions.lease("a")), "restarting");
    assert.deepEqual([refused.path, refused.headers], ["a", { "Retry-After": "1" }]);
    store.calls.length = 0;
    const lease = other.sessions.lease("a");
    await settle();
    const looks = store.count("claim");
    await settle();
    assert.equal(store.count("claim"), looks, "it pauses between two looks");
    await rejectsWith(throughPauses(lease), "restarting");
  });
});
