/**
 * Session records: one per path, kept until it is removed.
 * @module
 */

import type { SessionRecord } from "../../engine/storage/store.ts";
import { assert } from "./assert.ts";
import { type Cases, listed, put } from "./cases.ts";

const record = (path: string, seed = 1): SessionRecord => ({ path, digest: String(seed % 10).repeat(64) });

/** The cases. */
export const SESSIONS: Cases = {
  "a session is found from its saving to its removal": async ({ store }) => {
    assert.equal(await store.sessions.find("a.txt"), undefined);
    await store.sessions.save(record("a.txt"));
    assert.deepEqual(await store.sessions.find("a.txt"), record("a.txt"));
    assert.equal(await store.sessions.find("b.txt"), undefined);
    await store.sessions.remove("a.txt");
    assert.equal(await store.sessions.find("a.txt"), undefined);
    await store.sessions.remove("a.txt");
  },

  "a newer session of a path replaces the older one": async ({ store }) => {
    await store.sessions.save(record("a.txt", 1));
    await store.sessions.save(record("a.txt", 2));
    assert.deepEqual(await store.sessions.find("a.txt"), record("a.txt", 2));
    assert.equal((await store.sessions.list()).length, 1);
  },

  "sessions of many paths, whatever their names, are distinct and listed": async ({ store, again }) => {
    const paths = ["a", "A", "a/b", "a\nb", "é", "e\u0301", "x".repeat(255), `${"long/".repeat(40)}er`, "__proto__"];
    await Promise.all(paths.map((path, at) => store.sessions.save(record(path, at))));
    const other = again();
    for (const [at, path] of paths.entries()) assert.deepEqual(await other.sessions.find(path), record(path, at));
    const listed = (await other.sessions.list()).map(({ path }) => path);
    assert.deepEqual(listed.sort(), [...paths].sort());
  },

  "the rest of a session's grace period is stored with it": async ({ store, again }) => {
    await store.sessions.save({ ...record("a.txt"), graceLeftMs: 1_500.5 });
    assert.deepEqual(await again().sessions.find("a.txt"), { ...record("a.txt"), graceLeftMs: 1_500.5 });
    await store.sessions.save(record("a.txt"));
    assert.deepEqual(await again().sessions.find("a.txt"), record("a.txt"));
  },

  "without sessions the list is empty": async ({ store }) => {
    assert.deepEqual(await store.sessions.list(), []);
  },

  "a session needs no resource, and is no resource": async ({ store }) => {
    await store.sessions.save(record("a.txt"));
    assert.equal(await store.stat("a.txt"), undefined);
    assert.deepEqual(await listed(store, ""), []);
    await put(store, "a.txt", "x");
    await store.remove("a.txt");
    assert.deepEqual(await store.sessions.find("a.txt"), record("a.txt"));
  },
};
