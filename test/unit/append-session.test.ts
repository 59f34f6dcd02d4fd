/** One resumable append: its connections, one after the other, and the grace period between them. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import type { AppendSession, SessionConnection } from "../../src/engine/sessions/session.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, gate, SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { until } from "../fixture/until.ts";

afterEach(closeServers);

const GRACE_MS = 16_000;

/** A connection that notes what it is told. */
class Connection implements SessionConnection {
  readonly told: (string | number)[] = [];

  superseded(): void {
    this.told.push("superseded");
  }

  stored(offset: number): void {
    this.told.push(offset);
  }

  failed(error: StreamError): void {
    this.told.push(error.code);
  }
}

interface Opened {
  readonly store: SharedStore;
  readonly server: SessionServer;
  readonly session: AppendSession;
}

async function open(graceMs = GRACE_MS): Promise<Opened> {
  const store = new SharedStore();
  const server = new SessionServer(store, { graceMs });
  const { session } = await server.sessions.open("a");
  return { store, server, session };
}

/** The records that were saved since the session was opened. */
const saved = (store: SharedStore): string[] => store.calls.filter((call) => call.startsWith("save ")).slice(1);

test("a session shows the path that it appends to", async () => {
  const { store, session } = await open();
  const { path, offset, generation, queued, ended, error } = session;
  assert.deepEqual([path, offset, queued, ended, error], ["a", 0, 0, false, undefined]);
  assert.equal(generation, (await store.stat("a"))?.generation);
  assert.equal((await store.onRecord())?.digest, session.digest);
});

test("a connection appends, and learns what is stored", async () => {
  const { store, session } = await open();
  const held = gate();
  store.gates.set("append", held.promise);
  const connection = new Connection();
  assert.equal(await session.attach(connection), 0);
  session.push(connection, Buffer.from("12345"));
  assert.deepEqual([session.queued, session.offset], [5, 0]);
  held.open();
  await until("the bytes to be stored", () => connection.told.length > 0);
  assert.deepEqual([session.queued, session.offset, connection.told], [0, 5, [5]]);
});

test("a newer connection takes the session over, once everything from the older one is stored", async () => {
  const { store, session } = await open();
  const held = gate();
  store.gates.set("append", held.promise);
  const [first, second] = [new Connection(), new Connection()];
  await session.attach(first);
  session.push(first, Buffer.from("123"));
  let offset = -1;
  const attached = session.attach(second).then((at) => {
    offset = at;
  });
  assert.deepEqual(first.told, ["superseded"]);
  session.push(first, Buffer.from("ignored"));
  await settle();
  assert.equal(offset, -1);
  held.open();
  await attached;
  assert.equal(offset, 3);
  assert.deepEqual([first.told, second.told], [["superseded"], [3]]);
  session.detach(first);
  assert.equal(session.retryAfterMs(), undefined, "the older connection no longer counts");
  session.push(second, Buffer.from("45"));
  await until("the rest to be stored", () => session.offset === 5);
});

test("bytes are stored also while no client is connected", async () => {
  const { store, session } = await open();
  const held = gate();
  store.gates.set("append", held.promise);
  const connection = new Connection();
  await session.attach(connection);
  session.push(connection, Buffer.from("12345"));
  session.detach(connection);
  held.open();
  await until("the bytes to be stored", () => session.offset === 5);
  await settle();
  assert.deepEqual([session.error, connection.told], [undefined, []]);
});

test("a connection need not listen", async () => {
  const { store, session } = await open();
  const connection = { superseded: () => {} };
  await session.attach(connection);
  session.push(connection, Buffer.from("12345"));
  await until("the bytes to be stored", () => session.offset === 5);
  await settle();
  assert.equal(session.error, undefined);
  store.errors.set("append", new StreamError("no_space", "The disk is full."));
  session.push(connection, Buffer.from("6"));
  await until("the end", () => session.ended);
  assert.equal((await session.end("complete")).reason, "failed");
});

test("the grace period runs only while no connection is there or expected", async () => {
  const clock = mock.method(performance, "now", () => 0);
  const { session } = await open();
  const [first, second] = [new Connection(), new Connection()];
  assert.equal(session.retryAfterMs(), GRACE_MS, "before the first one");
  session.expect(first);
  assert.equal(session.retryAfterMs(), undefined, "while one is expected");
  session.expect(second);
  session.detach(first);
  assert.equal(session.retryAfterMs(), undefined, "while another one is expected");
  session.detach(second);
  assert.equal(session.retryAfterMs(), GRACE_MS, "when none has come");
  await session.attach(first);
  assert.equal(session.retryAfterMs(), undefined, "while one is there");
  session.expect(second);
  session.detach(second);
  assert.equal(session.retryAfterMs(), undefined, "when another one has not come");
  session.push(first, Buffer.from("1"));
  await until("the piece of the one that is there", () => session.offset === 1);
  assert.deepEqual(first.told, [1]);
  session.detach(first);
  assert.equal(session.retryAfterMs(), GRACE_MS, "when it has gone");
  clock.mock.restore();
  await session.end("complete");
});

test("the record says what is left of the grace period, and is written only if that changes", async () => {
  const { store, session } = await open();
  const [first, second, stranger] = [new Connection(), new Connection(), new Connection()];
  await session.attach(first);
  session.detach(stranger);
  await settle();
  assert.deepEqual(saved(store), []);
  session.detach(first);
  session.detach(stranger);
  session.detach(first);
  await settle();
  assert.deepEqual(saved(store), [`save a ${GRACE_MS}`]);
  assert.deepEqual(await store.onRecord(), { path: "a", digest: session.digest, graceLeftMs: GRACE_MS });
  await session.attach(first);
  await session.attach(second);
  await settle();
  assert.deepEqual(saved(store), [`save a ${GRACE_MS}`, "save a"]);
  assert.deepEqual(await store.onRecord(), { path: "a", digest: session.digest });
});

test("a record that can't be written is a problem for the operator, and not for the session", async () => {
  const { store, server, session } = await open();
  const connection = new Connection();
  await session.attach(connection);
  store.errors.set("save", new Error("no space left"));
  session.detach(connection);
  await settle();
  assert.deepEqual(server.problems, ["/a: Error: no space left"]);
  store.errors.clear();
  assert.equal(await session.attach(connection), 0);
  await settle();
  assert.deepEqual(await store.onRecord(), { path: "a", digest: session.digest });
});

test("a session that no client resumes is lost, and frees its path", async () => {
  const { store, server, session } = await open(5);
  const connection = new Connection();
  await session.attach(connection);
  session.push(connection, Buffer.from("12345"));
  session.detach(connection);
  await until("the path to be free", () => !server.registry.isTaken("a"));
  assert.deepEqual([session.ended, (await store.stat("a"))?.ended], [true, "lost"]);
  assert.equal(await store.onRecord(), undefined);
  assert.equal((await rejectsWith(session.attach(connection), "gone")).path, "a");
});

test("a connection that goes after the end starts no grace period", async () => {
  const { session } = await open();
  const connection = new Connection();
  await session.attach(connection);
  await session.end("complete");
  session.detach(connection);
  assert.equal(session.retryAfterMs(), undefined);
});
