/**
 * A stream with more producers than it remembers: neither memory nor its log grows without bound. With `PRODUCERS=1000000`,
 * for a few minutes, there are a million.
 */
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { DurableStreams } from "../../src/engine/durable/durable-streams.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { Sessions } from "../../src/engine/sessions/sessions.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { type StreamState, withFewProducers } from "../../src/engine/storage/stream-state.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { expectStatus, rig } from "./app.ts";
import { producer, TEXT } from "./streams.ts";

const PATH = "a";
const PRODUCERS = Number(process.env["PRODUCERS"] ?? 50_000);
const TIMEOUT_MS = 60_000 + PRODUCERS;

/** Appends that are sent at once. */
const AT_ONCE = 5_000;

/** Bytes of the longest name of a producer here. */
const NAME_BYTES = "producer-999999".length;

/** Appends one byte each as each of many producers, and returns what is remembered. */
async function appendAsMany(store: Store, afterEach: () => void): Promise<StreamState | undefined> {
  const registry = new AppendRegistry(store, resolveLimits());
  const fail = (_: unknown, error: unknown): never => {
    throw error;
  };
  const sessions = new Sessions(registry, fail);
  assert.ok(store.streams);
  const streams = new DurableStreams({ registry, sessions }, store.streams, fail);
  const bytes = Buffer.from("x");
  const terms = { preconditions: {}, requestId: undefined };
  const ask = { bytes, type: undefined, expected: undefined, closes: false, seq: undefined };
  await (await store.claim(PATH)).release("complete");
  for (let first = 0; first < PRODUCERS; first += AT_ONCE) {
    const round = Array.from({ length: AT_ONCE }, (_, at) => {
      const stamp = { id: `producer-${first + at}`, epoch: 0, seq: 0 };
      return streams.append(PATH, { ...ask, producer: stamp }, terms);
    });
    await Promise.all(round);
    afterEach();
  }
  const state = (await store.stat(PATH))?.stream;
  await registry.close();
  return state;
}

describe("the producers of a stream that has very many", () => {
  it("are in memory as far as they are remembered", { timeout: TIMEOUT_MS }, async () => {
    const store = memoryStore();
    let most = 0;
    const look = async (): Promise<void> => {
      const state = await store.streams?.find(PATH);
      most = Math.max(most, Object.keys(state?.producers ?? {}).length);
    };
    const state = await appendAsMany(store, () => void look());
    const names = Object.keys(state?.producers ?? {});
    assert.ok(names.length <= 1_000 && most <= 1_000, `${names.length} producers, ${most} at most`);
    assert.ok(names.length >= 900, `${names.length} producers`);
    assert.ok(names.includes(`producer-${PRODUCERS - 1}`), "the last one is remembered");
    assert.equal((await store.stat(PATH))?.size, PRODUCERS);
  });

  it("are in the log as far as they are remembered", { timeout: TIMEOUT_MS }, async () => {
    const root = await temporaryFolder("producers");
    try {
      const folder = join(root, ".httpfstream", "durable");
      let most = 0;
      const look = (): void => {
        for (const name of readdirSync(folder)) most = Math.max(most, statSync(join(folder, name)).size);
      };
      const state = await appendAsMany(fileStore({ root }), look);
      assert.ok(Object.keys(state?.producers ?? {}).length <= 1_000);
      // The state, a mebibyte of notes, and the note of one batch.
      const line = 1_000 * (NAME_BYTES + 100);
      assert.ok(most <= 2 ** 20 + 3 * line, `${most} bytes`);
      const again = await fileStore({ root }).stat(PATH);
      assert.deepEqual(again?.stream?.producers, state?.producers);
    } finally {
      await removeFolder(root);
    }
  });
});

describe("a producer that was forgotten", () => {
  it("is told to begin at 0, and is known again then", async () => {
    const streams = rig({ limits: { durableProducers: 10 } });
    await expectStatus(201, streams, "PUT", PATH, TEXT);
    const post = (status: number, id: string, seq: number): Promise<Response> =>
      expectStatus(status, streams, "POST", PATH, { ...TEXT, ...producer([id, 0, seq]) }, "x");
    // Names of digits come first in objects, whenever they were added.
    for (let at = 0; at < 10; at++) await post(200, String(9 - at), 0);
    await post(200, "9", 1);
    await post(200, "new", 0);
    await post(200, "9", 2);
    await post(204, "6", 0);
    const told = await post(409, "8", 1);
    assert.equal(told.headers.get("producer-expected-seq"), "0");
    await post(200, "8", 0);
    await post(204, "8", 0);
    await post(200, "8", 1);
  });

  it("is one that was quiet for longest, also with conditions", async () => {
    const store = memoryStore();
    const streams = rig({ store, limits: { durableProducers: 1 } });
    await expectStatus(201, streams, "PUT", PATH, TEXT);
    for (const [at, id] of ["a", "b", "c"].entries()) {
      const headers = { ...TEXT, ...producer([id, 0, 0]) };
      await expectStatus(200, streams, "POST", `${PATH}?offset=${at}`, headers, "x");
    }
    assert.deepEqual((await store.streams?.find(PATH))?.producers, { c: { epoch: 0, seq: 0, at: 3 } });
  });

  it("may be one of the batch that brings too many", () => {
    const known = { created: true, producers: { a: { epoch: 0, seq: 0, at: 1 }, old: { epoch: 0, seq: 0 } } };
    const producers = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`p${at}`, { epoch: 0, seq: 0, at: at + 2 }]),
    );
    assert.deepEqual(withFewProducers(known, { seq: "x" }, 1), { seq: "x" });
    assert.deepEqual(withFewProducers(known, { producers }, 22), { producers });
    const { forgotten } = withFewProducers(known, { producers }, 10);
    assert.deepEqual(forgotten, ["old", "a", ...Array.from({ length: 11 }, (_, at) => `p${at}`)]);
    assert.deepEqual(withFewProducers(undefined, { producers }, 1).forgotten?.length, 19);
  });
});
