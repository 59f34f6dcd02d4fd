/** Sessions on record whose process has ended: which of them a server adopts, and with how much grace. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { digestOf } from "../../src/support/token.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, gate, SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { until } from "../fixture/until.ts";

afterEach(closeServers);

const GRACE_MS = 60_000;
const TOKEN = "token";

/** A store with the session of a process that has ended. */
async function withRecord(path = "a", graceLeftMs?: number): Promise<SharedStore> {
  const store = new SharedStore();
  await put(store, "a", "12345");
  const digest = await digestOf(TOKEN);
  await store.sessions.save({ path, digest, ...(graceLeftMs === undefined ? {} : { graceLeftMs }) });
  store.calls.length = 0;
  return store;
}

const serverOn = (store: SharedStore): SessionServer => new SessionServer(store, { graceMs: GRACE_MS });

for (const [graceLeftMs, leftMs] of [
  [undefined, GRACE_MS],
  [GRACE_MS * 2, GRACE_MS],
  [5_000, 5_000],
] as const) {
  test(`of the grace period ${graceLeftMs ?? "nothing"} on record leaves ${leftMs}`, async () => {
    const clock = mock.method(performance, "now", () => 0);
    try {
      const store = await withRecord("a", graceLeftMs);
      const { sessions, registry } = serverOn(store);
      await sessions.adopt("a");
      assert.equal(registry.isTaken("a"), true);
      assert.equal(store.claimed?.extraLeaseMs, leftMs, "a silent process is spared for as long");
      const session = await sessions.resume("a", TOKEN);
      assert.deepEqual([session.offset, session.retryAfterMs()], [5, leftMs]);
      const left = (await store.onRecord())?.graceLeftMs;
      assert.equal(left, leftMs - GRACE_MS / 16, "the first slice is spent");
      await session.end("complete");
    } finally {
      clock.mock.restore();
    }
  });
}

test("the session of a silent process goes to its own appender at once, and is over for all others", async () => {
  const resumed = await withRecord();
  resumed.wasSilent = true;
  const server = serverOn(resumed);
  await server.sessions.adopt("a", true);
  assert.equal(resumed.claimed?.extraLeaseMs, 0);
  assert.equal((await server.sessions.resume("a", TOKEN)).ended, false);
  const spared = await withRecord();
  spared.wasSilent = true;
  const other = serverOn(spared);
  await other.sessions.adopt("a");
  await until("its end", () => !other.registry.isTaken("a"));
  assert.equal(await spared.onRecord(), undefined);
  assert.equal((await spared.stat("a"))?.ended, "lost");
});

test("the record of a path that can't be appended to any more is removed", async () => {
  for (const path of ["missing", "a/below", "..", ".httpfstream"]) {
    const store = await withRecord(path);
    await serverOn(store).sessions.adopt(path);
    assert.equal(await store.onRecord(path), undefined, path);
    assert.equal(await store.stat("missing"), undefined, "no path is created");
  }
});

test("a session that can't be adopted now stays on record", async () => {
  for (const code of ["conflict", "restarting", "gone"] as const) {
    const store = await withRecord();
    store.errors.set("claim", new StreamError(code, "Not now."));
    await serverOn(store).sessions.adopt("a");
    assert.equal((await store.onRecord())?.path, "a", code);
  }
  const errors = [
    new StreamError("denied", "Not for you."),
    new StreamError("storage", "It failed."),
    new Error("conflict"),
  ];
  for (const error of errors) {
    const store = await withRecord();
    store.errors.set("claim", error);
    await assert.rejects(serverOn(store).sessions.adopt("a"), error);
    assert.equal((await store.onRecord())?.path, "a", error.message);
  }
});

test("a session that ends while it is adopted is not adopted", async () => {
  const store = await withRecord();
  const claim = store.claim.bind(store);
  store.claim = async (...terms) => {
    const handle = await claim(...terms);
    await store.sessions.remove("a");
    return handle;
  };
  const { sessions, registry } = serverOn(store);
  await sessions.adopt("a");
  assert.equal(registry.isTaken("a"), false);
  await rejectsWith(sessions.resume("a", TOKEN), "gone");
  assert.equal((await store.stat("a"))?.size, 5);
});

test("a session that is adopted while the server shuts down stays on record", async () => {
  const store = await withRecord();
  const held = gate();
  const { find } = store.sessions;
  let looks = 0;
  // The third look is the last one before the session exists.
  const looked = async (path: string) => {
    const found = await find(path);
    if (++looks === 3) await held.promise;
    return found;
  };
  Object.assign(store.sessions, { find: looked });
  const { sessions, registry } = serverOn(store);
  const adopted = sessions.adopt("a");
  await until("the last look", () => looks === 3);
  const closed = registry.close();
  await settle();
  held.open();
  await adopted;
  await closed;
  assert.equal(store.count("removeRecord"), 0);
  assert.equal((await store.onRecord())?.digest, await digestOf(TOKEN));
});

test("two adoptions of a path at once are one", async () => {
  const store = await withRecord();
  const held = gate();
  store.gates.set("claim", held.promise);
  const { sessions, registry } = serverOn(store);
  let adopted = 0;
  const adoptions = [sessions.adopt("a"), sessions.adopt("a")].map((adoption) => adoption.then(() => adopted++));
  await settle();
  assert.equal(adopted, 0);
  held.open();
  await Promise.all(adoptions);
  assert.deepEqual([registry.isTaken("a"), store.count("claim")], [true, 1]);
});

test("an adopted session is handed on only after others that wait for it here can have had it", async (t) => {
  const store = await withRecord();
  store.shareAppends();
  const { sessions } = serverOn(store);
  t.mock.method(performance, "now", () => 0);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await sessions.adopt("a", true);
  await store.requestHandover?.("a");
  t.mock.timers.tick(249);
  await settle();
  const session = await sessions.resume("a", TOKEN);
  assert.equal(session.ended, false);
  t.mock.timers.tick(1);
  await settle();
  assert.equal(session.ended, true);
});

test("a path without a session can be adopted later, when it has one", async () => {
  const store = await withRecord("other");
  const { sessions, registry } = serverOn(store);
  await sessions.adopt("a");
  assert.deepEqual([registry.isTaken("a"), store.count("claim")], [false, 0]);
  await store.sessions.save({ path: "a", digest: await digestOf(TOKEN) });
  await sessions.adopt("a");
  assert.equal(registry.isTaken("a"), true);
});

test("a server that has an appender there, or shuts down, does not look for a session", async () => {
  const busy = await withRecord("other");
  const server = serverOn(busy);
  await server.sessions.open("a");
  busy.calls.length = 0;
  await server.sessions.adopt("a");
  assert.deepEqual(busy.calls, []);
  const store = await withRecord();
  const { sessions, registry } = serverOn(store);
  await registry.close();
  await sessions.adopt("a");
  assert.deepEqual(store.calls, []);
});

test("a server that starts adopts every session, and reports those that it can't", async () => {
  const store = await withRecord();
  await put(store, "b", "1");
  await put(store, "c", "1");
  for (const path of ["b", "c"]) await store.sessions.save({ path, digest: path });
  const claim = store.claim.bind(store);
  store.claim = async (path, options) => {
    if (path === "b") throw new StreamError("denied", "Not for you.");
    return await claim(path, options);
  };
  store.calls.length = 0;
  const { sessions, registry, problems } = serverOn(store);
  await sessions.restore();
  assert.equal(store.calls[0], "tidy ");
  assert.deepEqual(
    ["a", "b", "c"].map((path) => registry.isTaken(path)),
    [true, false, true],
  );
  assert.deepEqual(problems, ["/b: StreamError: Not for you."]);
});

test("a session is adopted only after what crashed processes left is removed, or could not be", async () => {
  const store = await withRecord();
  const held = gate();
  store.gates.set("tidy", held.promise);
  store.errors.set("tidy", new Error("not tidy"));
  const { sessions, registry } = serverOn(store);
  const restored = assert.rejects(sessions.restore(), /not tidy/);
  const adopted = sessions.adopt("a");
  await settle();
  assert.equal(store.count("find"), 0);
  held.open();
  await restored;
  await adopted;
  assert.equal(registry.isTaken("a"), true);
});

test("a store that needs no tidying is restored without it", async () => {
  const store = await withRecord();
  Object.assign(store, { tidy: undefined });
  const { sessions, registry } = serverOn(store);
  await sessions.restore();
  assert.equal(registry.isTaken("a"), true);
});
