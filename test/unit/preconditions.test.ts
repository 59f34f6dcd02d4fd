/** Preconditions of an append: what they require, when they are checked, and what a refusal leaves behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkAfterClaim,
  checkBeforeClaim,
  mustExist,
  type PathPreconditions,
} from "../../src/engine/append/preconditions.ts";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { ClaimOptions } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { Rig } from "../fixture/rig.ts";
import { TestHandle } from "../fixture/test-handle.ts";
import { until } from "../fixture/until.ts";

test("only some preconditions require that the path exists", () => {
  const cases: [PathPreconditions, boolean][] = [
    [{}, false],
    [{ offset: 0 }, false],
    [{ offset: 1 }, true],
    [{ exists: true }, true],
    [{ exists: false }, false],
    [{ generation: "x" }, true],
    [{ offset: 0, exists: false, generation: undefined }, false],
  ];
  for (const [terms, must] of cases) assert.equal(mustExist(terms), must, JSON.stringify(terms));
});

test("an append without preconditions asks the store nothing but for the path", async () => {
  const rig = new Rig();
  await (await rig.registry.admit("a")).end("complete");
  assert.deepEqual([rig.store.stats, rig.store.claims], [0, 1]);
});

test("a path that does not meet the preconditions is not even claimed", async () => {
  const rig = new Rig();
  await rig.store.append("a", "old");
  const refuse = (): never => {
    throw new StreamError("precondition_failed", "The ETag differs.");
  };
  for (const [path, terms, code] of [
    ["a", { offset: 2 }, "precondition_failed"],
    ["a", { offset: 0 }, "precondition_failed"],
    ["none", { offset: 1 }, "precondition_failed"],
    ["a", { generation: "other" }, "replaced"],
    ["none", { generation: "other" }, "replaced"],
    ["a", { check: refuse }, "precondition_failed"],
    ["none", { check: refuse }, "precondition_failed"],
  ] as const) {
    await rejectsWith(rig.registry.admit(path, terms), code);
  }
  assert.equal(rig.store.claims, 0);
  const generation = (await rig.store.stat("a"))?.generation;
  for (const terms of [{ offset: 3 }, { generation }, { generation, offset: 3 }, { check: () => {} }]) {
    await (await rig.registry.admit("a", terms)).end("complete");
  }
});

test("a check before the claim returns what it found, if there is anything to check", async () => {
  const store = memoryStore();
  await put(store, "a", "four");
  const generation = (await store.stat("a"))?.generation;
  const found = async (path: string, terms: PathPreconditions): Promise<number | undefined> =>
    (await checkBeforeClaim(store, path, terms))?.size;
  assert.equal(await found("a", {}), undefined);
  for (const terms of [{ offset: 4 }, { generation }, { check: () => {} }]) assert.equal(await found("a", terms), 4);
  assert.equal(await found("none", { offset: 0 }), undefined);
  await rejectsWith(found("a", { generation: "other" }), "replaced");
  await rejectsWith(found("a", { offset: 3 }), "precondition_failed");
  await rejectsWith(found("none", { generation: "other" }), "replaced");
});

test("a client that continues replaced content is refused at once, even while the path is not free", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  rig.store.beforeRelease = new Promise(() => {});
  void first.end("complete");
  await rejectsWith(rig.registry.admit("a", { generation: "other" }), "replaced");
});

test("a path that another process appends to is a conflict, whatever its size", async () => {
  const rig = new Rig();
  const other = await rig.store.claim("a");
  const seen: unknown[] = [];
  await rejectsWith(rig.registry.admit("a", { offset: 99, check: (found) => seen.push(found) }), "conflict");
  assert.deepEqual(seen, []);
  const generation = (await rig.store.stat("a"))?.generation;
  await rejectsWith(rig.registry.admit("a", { generation, offset: 99 }), "conflict");
  await rejectsWith(rig.registry.admit("a", { generation: "other" }), "replaced");
  await other.release();
});

test("if the driver does not report whether its claim created the path, an empty path that was not there counts so", async () => {
  const store = memoryStore();
  await put(store, "a", "four");
  const before = await store.stat("a");
  for (const [was, size, seen] of [
    [undefined, 0, undefined],
    [undefined, 4, 4],
    [before, 0, 4],
    [before, 4, 4],
  ] as const) {
    const found: unknown[] = [];
    const claimed = { path: "a", before: was, handle: new TestHandle(size) };
    await checkAfterClaim(store, claimed, { check: (stat, path) => found.push(stat?.size, path) });
    assert.deepEqual(found, [seen, "a"], `${was ? "it was there" : "it was not there"}, with ${size} bytes`);
  }
});

test("the generation is checked again after the claim", async () => {
  const store = memoryStore();
  const claimed = { path: "a", before: undefined, handle: new TestHandle() };
  await rejectsWith(checkAfterClaim(store, claimed, { generation: "other" }), "replaced");
  await checkAfterClaim(store, claimed, { generation: "first", offset: 0 });
  await rejectsWith(checkAfterClaim(store, claimed, { generation: "first", offset: 1 }), "precondition_failed");
});

test("a path is created unless the terms forbid it", async () => {
  const registry = new AppendRegistry(memoryStore(), resolveLimits());
  await rejectsWith(registry.admit("a", { create: false }), "not_found");
  assert.equal(await registry.store.stat("a"), undefined);
  await (await registry.admit("a", { create: true })).end("complete");
  await (await registry.admit("a", { create: false })).end("complete");
  await (await registry.admit("b")).end("complete");
  await rejectsWith(registry.admit("c", { exists: true }), "not_found");
});

test("what the store is told with a claim", async () => {
  const store = memoryStore();
  const told: ClaimOptions[] = [];
  const { claim } = store;
  store.claim = (path, options = {}) => {
    told.push(options);
    return claim.call(store, path, options);
  };
  const registry = new AppendRegistry(store, resolveLimits());
  await (await registry.admit("a", { extraLeaseMs: 5_000, type: "text/csv" })).end("complete");
  await (await registry.admit("b")).end("complete");
  assert.deepEqual(
    told.map(({ create, extraLeaseMs, type }) => [create, extraLeaseMs, type]),
    [
      [true, 5_000, "text/csv"],
      [true, 0, undefined],
    ],
  );
});

test("a claim that fails for another reason is refused for that reason, even if the path has changed meanwhile", async () => {
  for (const error of [
    new StreamError("no_space", "The disk is full."),
    new Error("boom"),
    Object.assign(new Error("It is not ours."), { code: "not_found" }),
  ]) {
    const rig = new Rig();
    let fail = (_error: Error): void => {};
    rig.store.beforeClaim = new Promise((_, reject) => {
      fail = reject;
    });
    const admission = rig.registry.admit("a", { offset: 0 });
    await until("the claim", () => rig.store.claims > 0);
    await rig.store.append("a", "new");
    fail(error);
    await assert.rejects(admission, error);
    assert.equal(rig.registry.isTaken("a"), false);
  }
});
