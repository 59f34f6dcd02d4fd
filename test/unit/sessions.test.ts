/** Sessions that end by a handover to another process, or at a shutdown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { Sessions } from "../../src/engine/sessions/sessions.ts";
import type { SessionRecord } from "../../src/engine/storage/store.ts";
import type { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { until } from "../fixture/until.ts";

for (const when of ["before it has begun", "later"]) {
  test(`a session whose path is requested ${when} is handed over, and stays on record`, async () => {
    const store = memoryStore();
    const asked = new AbortController();
    if (when !== "later") asked.abort();
    const claim = store.claim.bind(store);
    store.claim = async (...terms) =>
      Object.defineProperty(await claim(...terms), "handoverRequested", { value: asked.signal });
    const registry = new AppendRegistry(store, resolveLimits());
    const sessions = new Sessions(registry, (path, error) => assert.fail(`/${path}: ${error}`));
    const { session } = await sessions.open("a.txt");
    asked.abort();
    await until("it to be given up", () => session.ended && !registry.isTaken("a.txt"));
    assert.equal((await store.sessions.find("a.txt"))?.digest, session.digest);
  });
}

for (const kind of ["opened", "adopted"]) {
  test(`a session that is ${kind} while the shutdown begins does not delay it`, { timeout: 10_000 }, async () => {
    const store = memoryStore();
    const { save, find } = store.sessions;
    await store.claim("a.txt").then((handle) => handle.release());
    const old = { path: "a.txt", digest: "0".repeat(64) };
    if (kind === "adopted") await store.sessions.save(old);
    let looks = 0;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    // The last access to the record before the session exists.
    const held = async <T>(last: boolean, work: () => Promise<T>): Promise<T> => {
      const result = await work();
      if (last) await gate;
      return result;
    };
    Object.assign(store.sessions, {
      save: (record: SessionRecord) => held(kind === "opened", () => save.call(store.sessions, record)),
      find: (path: string) => held(kind === "adopted" && ++looks === 3, () => find.call(store.sessions, path)),
    });
    const registry = new AppendRegistry(store, resolveLimits());
    const sessions = new Sessions(registry, (path, error) => assert.fail(`/${path}: ${error}`));
    const begun = kind === "opened" ? sessions.open("a.txt") : sessions.adopt("a.txt");
    const outcome = begun.then(
      () => "done",
      (error: StreamError) => error.code,
    );
    await until("the path to be claimed", () => registry.isTaken("a.txt"));
    const closed = registry.close();
    await new Promise((resolve) => setImmediate(resolve));
    go();
    await closed;
    assert.equal(await outcome, kind === "opened" ? "restarting" : "done");
    const left = await find.call(store.sessions, "a.txt");
    assert.equal(left?.digest, kind === "opened" ? undefined : old.digest);
  });
}

test("a connection to a session that was handed over leaves its record alone", async () => {
  const store = memoryStore();
  const registry = new AppendRegistry(store, resolveLimits());
  const sessions = new Sessions(registry, (path, error) => assert.fail(`/${path}: ${error}`));
  const { session } = await sessions.open("a.txt");
  const connection = { superseded: () => {} };
  await session.attach(connection);
  // From here on part of the grace period is spent; the next connection would restore it on record.
  session.detach(connection);
  await session.end("restarting");
  // The process that took it over has ended it.
  await store.sessions.remove("a.txt");
  await assert.rejects(session.attach(connection), { code: "gone" });
  assert.equal(await store.sessions.find("a.txt"), undefined);
});
