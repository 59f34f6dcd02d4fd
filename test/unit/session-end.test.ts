/** How a resumable append ends: completed, failed, taken over, requested by another process, or at a shutdown. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import type { AppendSession, SessionConnection } from "../../src/engine/sessions/session.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, gate, SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { until } from "../fixture/until.ts";

afterEach(closeServers);

/** A session with a connection, and what the connection was told. */
interface Connected {
  readonly store: SharedStore;
  readonly server: SessionServer;
  readonly session: AppendSession;
  readonly connection: SessionConnection;
  readonly told: string[];
}

async function connected(prepare: (store: SharedStore) => void = () => {}): Promise<Connected> {
  const store = new SharedStore();
  prepare(store);
  const server = new SessionServer(store, { graceMs: 60_000 });
  const { session } = await server.sessions.open("a");
  const told: string[] = [];
  const connection = {
    superseded: () => void told.push("superseded"),
    failed: ({ code }: StreamError) => void told.push(`${code}, ${session.ended ? "ended" : "open"}`),
  };
  await session.attach(connection);
  store.calls.length = 0;
  return { store, server, session, connection, told };
}

/** The calls that end an append, in order. */
function endingOf({ store }: Connected): string[] {
  return store.calls.filter((call) => /^(verify|leaveEndMarker|removeRecord|release|discard)/.test(call));
}

const WITHOUT_VERIFY = /^(leaveEndMarker|removeRecord|release|discard)/;

test("a complete append is verified and marked before its record is removed, and then released", async () => {
  const at = await connected();
  const { session, connection, store } = at;
  session.push(connection, Buffer.from("12345"));
  assert.deepEqual(await session.end("complete"), { size: 5, reason: "complete" });
  const [first, ...others] = endingOf(at);
  assert.equal(first, "verify a");
  const order = ["leaveEndMarker a complete", "removeRecord a", "release a complete"];
  assert.deepEqual(
    others.filter((call) => WITHOUT_VERIFY.test(call)),
    order,
  );
  assert.equal(await store.onRecord(), undefined);
});

test("only a complete append is marked, and only one that restarts stays on record, unverified", async () => {
  const lost = await connected();
  await lost.session.end("lost");
  assert.deepEqual(
    endingOf(lost).filter((call) => WITHOUT_VERIFY.test(call)),
    ["removeRecord a", "release a lost"],
  );
  const restarting = await connected();
  await restarting.session.shutDown();
  assert.deepEqual(endingOf(restarting), ["release a restarting"]);
  assert.equal((await restarting.store.onRecord())?.digest, restarting.session.digest);
});

test("the first reason counts", async () => {
  const { session } = await connected();
  assert.equal(session.ended, false);
  const ending = session.end("complete");
  assert.equal(session.ended, true);
  assert.equal((await session.end("lost")).reason, "complete");
  assert.equal((await ending).reason, "complete");
});

test("an append that never began is discarded", async () => {
  const { store, session } = await connected();
  await session.end("lost", true);
  assert.equal(store.count("discard"), 1);
  assert.equal(await store.stat("a"), undefined);
});

test("a session whose content is gone when it completes leaves no mark of a complete append", async () => {
  const at = await connected();
  const { store, session, told } = at;
  store.errors.set("verify", new StreamError("changed", "It was removed."));
  assert.equal((await session.end("complete")).reason, "deleted");
  assert.equal(session.error?.code, "changed");
  assert.equal(store.count("leaveEndMarker"), 0);
  assert.equal(await store.onRecord(), undefined);
  assert.deepEqual(told, ["changed, ended"]);
});

test("a session whose content is gone when it is verified ends", async () => {
  const { store, session } = await connected();
  await session.verify();
  assert.equal(session.ended, false);
  store.errors.set("verify", new StreamError("changed", "It was removed."));
  await session.verify();
  assert.equal(session.ended, true);
});

test("a mark or a record that can't be written or removed does not keep the append from ending", async () => {
  const { store, server, session } = await connected();
  store.errors.set("leaveEndMarker", new Error("no mark"));
  store.errors.set("removeRecord", new Error("no removal"));
  assert.equal((await session.end("complete")).reason, "complete");
  assert.deepEqual(server.problems, ["/a: Error: no mark", "/a: Error: no removal"]);
  assert.equal(server.registry.isTaken("a"), false);
});

test("a failure to store ends the session, and then tells its connection", async () => {
  const { store, session, connection, told } = await connected();
  store.errors.set("append", new StreamError("no_space", "The disk is full."));
  session.push(connection, Buffer.from("12345"));
  await until("the failure", () => told.length > 0);
  assert.deepEqual(told, ["no_space, ended"]);
  assert.equal((await session.end("complete")).reason, "failed");
  assert.equal(await store.onRecord(), undefined);
});

test("a failure to store without a connection ends the session", async () => {
  const { store, server, session, connection } = await connected();
  const held = gate();
  store.gates.set("append", held.promise);
  session.push(connection, Buffer.from("12345"));
  session.detach(connection);
  store.errors.set("append", new StreamError("no_space", "The disk is full."));
  held.open();
  await until("the path to be free", () => !server.registry.isTaken("a"));
  assert.equal(await store.onRecord(), undefined);
});

test("a session that another process has taken over leaves its record to that process", async () => {
  const { store, server, session, told, connection } = await connected();
  await store.revoke("a");
  await store.sessions.save({ path: "a", digest: "taken over" });
  session.detach(connection);
  await until("the path to be given up", () => !server.registry.isTaken("a"));
  assert.deepEqual(told, ["fenced, ended"]);
  assert.equal(store.count("removeRecord"), 0);
  assert.equal((await session.end("complete")).reason, "restarting");
  assert.equal((await store.onRecord())?.digest, "taken over");
});

test("a change of the record that is late leaves it to the process that has taken over", async () => {
  const { store, session, connection } = await connected();
  const held = gate();
  store.gates.set("save", held.promise);
  session.detach(connection);
  await settle();
  store.gates.clear();
  await store.revoke("a");
  await store.sessions.save({ path: "a", digest: "taken over" });
  held.open();
  await session.end("complete");
  assert.equal((await store.onRecord())?.digest, "taken over");
});

test("a removal of the record that is late leaves it to the process that has taken over", async () => {
  const { store, session } = await connected();
  const held = gate();
  store.gates.set("removeRecord", held.promise);
  const ended = session.end("complete");
  await until("the removal", () => store.count("removeRecord") > 0);
  await store.revoke("a");
  await store.sessions.save({ path: "a", digest: "taken over" });
  held.open();
  await ended;
  assert.equal((await store.onRecord())?.digest, "taken over");
});

test("the end waits for a change of the record that is under way, and begins no other", async () => {
  const { store, session, connection } = await connected();
  const held = gate();
  store.gates.set("save", held.promise);
  session.detach(connection);
  const ended = session.end("complete");
  await settle();
  assert.equal(store.count("removeRecord"), 0);
  held.open();
  await ended;
  assert.equal(await store.onRecord(), undefined);
  assert.equal(store.count("save"), 1);
});

test("a session that is opened while the server shuts down is reported if its record can't be removed", async () => {
  const store = new SharedStore();
  const held = gate();
  store.gates.set("save", held.promise);
  store.errors.set("removeRecord", new Error("no removal"));
  const server = new SessionServer(store);
  const opened = rejectsWith(server.sessions.open("a"), "restarting");
  await until("the record", () => store.count("save") > 0);
  const closed = server.registry.close();
  await settle();
  held.open();
  await opened;
  await closed;
  assert.deepEqual(server.problems, ["/a: Error: no removal"]);
});

test("a path that another process requests is watched for a while after it is given up", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { store, server, session, told } = await connected((at) => at.shareAppends());
    await store.requestHandover?.("a");
    await settle();
    assert.deepEqual([session.ended, told], [true, ["superseded"]]);
    assert.equal(server.registry.isTaken("a"), false);
    assert.deepEqual([store.count("watch"), store.count("unwatch")], [1, 0]);
    mock.timers.tick(999);
    await settle();
    assert.equal(store.count("unwatch"), 0);
    mock.timers.tick(1);
    await settle();
    assert.equal(store.count("unwatch"), 1);
  } finally {
    mock.timers.reset();
  }
});

test("a path that another process requests is given up even if it can't be watched, or no client is connected", async () => {
  const { store, server, session, connection, told } = await connected((at) => at.shareAppends());
  store.errors.set("watch", new Error("no watch"));
  session.detach(connection);
  await store.requestHandover?.("a");
  await until("the path to be given up", () => session.ended && !server.registry.isTaken("a"));
  assert.deepEqual([server.problems, told], [["/a: Error: no watch"], []]);
  assert.equal((await store.onRecord())?.digest, session.digest);
});
