/** What the store on JetStream adds to the contract: its chain, large batches, notes, tombstones, refusals to start. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { StreamError } from "../../src/protocol/errors.ts";
import type { AppendUpdate, Store } from "../../src/store/mod.ts";
import { Layout, type Place } from "../../src/stores/jetstream/layout/layout.ts";
import { jetstreamStore } from "../../src/stores/jetstream/mod.ts";
import { headersOf } from "../../src/stores/jetstream/records/codec.ts";
import type { RecordFields } from "../../src/stores/jetstream/records/record.ts";
import { listed, put, readAll, rejectsWith, stored } from "../contract/store/driver.ts";
import { administered, newPrefix, removeInstallation, storeOptions } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";
import { until } from "../fixture/until.ts";

const server = serverForTests();
const OPEN = { created: true, type: "text/plain", producers: {} };

describe("the store on JetStream", { skip: "missing" in server && server.missing }, () => {
  let cluster: NatsCluster;
  let prefix: string;
  const stores: Store[] = [];

  before(async () => {
    if ("path" in server) cluster = await NatsCluster.start(server.path);
    prefix = newPrefix();
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close?.()));
    await cluster?.stop();
  });

  function open(options: Parameters<typeof storeOptions>[1] = {}): Store {
    const store = jetstreamStore(storeOptions(cluster, { prefix, ...options }));
    stores.push(store);
    return store;
  }

  const placeOf = (path: string): Place => new Layout(prefix, 2).placeOf(path);

  /** The last record of a path: its sequence, and its headers. */
  async function lastOf(path: string): Promise<{ seq: number; get: (name: string) => string }> {
    const { stream, subject } = placeOf(path);
    return await administered(cluster, async (connection) => {
      const found = await (await jetstreamManager(connection)).streams.getMessage(stream, { last_by_subj: subject });
      assert.ok(found, path);
      return { seq: found.seq, get: (name) => found.header.get(name) };
    });
  }

  /** Stores a record that no store would have stored. */
  async function inject(path: string, own: Partial<RecordFields>, payload: string): Promise<number> {
    const last = await lastOf(path);
    const fields: RecordFields = {
      ...{ type: "d", offset: 0, predecessor: last.seq, claim: 1, node: "other", id: "injected" },
      ...{ generation: last.get("G"), first: Number(last.get("F")), modifiedMs: 1, ...own },
    };
    return await administered(cluster, async (connection) => {
      const ack = await jetstream(connection).publish(placeOf(path).subject, payload, { headers: headersOf(fields) });
      return ack.seq;
    });
  }

  it("reads what counts, and appends behind it, where a void record was stored", async () => {
    const [store, other] = [open(), open()];
    await put(store, "void.txt", "one ");
    const claim = await store.claim("void.txt");
    await claim.append(Buffer.from("two "));
    // A claim that names a record from before the last one, as a server without all records would store it.
    const { get } = await lastOf("void.txt");
    await inject("void.txt", { type: "o", predecessor: Number(get("P")), offset: 4, claim: 0 }, "");
    assert.equal((await other.stat("void.txt"))?.size, 8, "it does not count");
    assert.equal(await claim.append(Buffer.from("three ")), 14);
    assert.equal(String(await stored(other, "void.txt")), "one two three ");
    await claim.release("complete");
    assert.equal(await put(other, "void.txt", "four"), 18);
    assert.equal(String(await readAll(store.read("void.txt", 4, 18))), "two three four");
    assert.equal(String(await readAll(open().read("void.txt", 9, 12))), "hre");
  });

  it("does not pass void records on to those that watch a path", async () => {
    const [store, other] = [open(), open()];
    const claim = await store.claim("watched.txt");
    const news = await other.watch?.("watched.txt", new AbortController().signal);
    assert.ok(news);
    await claim.append(Buffer.from("one"));
    const { get } = await lastOf("watched.txt");
    await inject("watched.txt", { predecessor: Number(get("P")), offset: 0 }, "FALSE");
    await claim.append(Buffer.from("two"));
    await claim.release("complete");
    const seen: AppendUpdate[] = [];
    for await (const growth of news) seen.push(growth);
    const bytes = seen.map((growth) => (growth.bytes ? String(Buffer.from(growth.bytes)) : ""));
    assert.ok(!bytes.join("").includes("FALSE"));
    assert.deepEqual([seen.at(-1)?.size, seen.at(-1)?.ended], [6, "complete"]);
  });

  it("reports a record of another program, and does not hide it", async () => {
    const store = open();
    await put(store, "foreign.txt", "x");
    await administered(cluster, (connection) => jetstream(connection).publish(placeOf("foreign.txt").subject, "y"));
    await rejectsWith(store.stat("foreign.txt"), "changed");
  });

  it("stores a large batch with a change as a whole", async () => {
    const store = open();
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, "0123456789abcdef");
    const handle = await store.claim("large.bin");
    assert.equal(await handle.append(bytes, OPEN), bytes.length);
    assert.equal(await handle.append(Buffer.from("end"), { seq: "1" }), bytes.length + 3);
    await handle.release("complete");
    assert.ok((await stored(open(), "large.bin")).equals(Buffer.concat([bytes, Buffer.from("end")])));
    assert.equal(String(await readAll(store.read("large.bin", 1_000_000, 1_000_010))), String(bytes.subarray(0, 10)));
    const row = (await listed(store, ""))?.find(({ name }) => name === "large.bin");
    assert.equal(row?.size, bytes.length + 3);
    // What is left of it goes with it.
    assert.equal(await store.remove("large.bin"), true);
    const { stream } = placeOf("large.bin");
    const subjects = await administered(cluster, async (connection) => {
      const info = await (await jetstreamManager(connection)).streams.info(stream, {
        subjects_filter: `${prefix}.part.>`,
      });
      return Object.keys(info.state.subjects ?? {});
    });
    assert.deepEqual(subjects, []);
  });

  it("remembers a state that was changed often, and one of many producers", async () => {
    const store = open();
    const handle = await store.claim("state.txt");
    await handle.append(Buffer.from(""), OPEN);
    for (let at = 1; at <= 70; at++)
      await handle.append(Buffer.from("x"), { producers: { [`p${at % 7}`]: { epoch: 0, seq: at } } });
    const many = Object.fromEntries(
      Array.from({ length: 4_000 }, (_, at) => [`producer ${at}`, { epoch: 1, seq: at }]),
    );
    await handle.append(Buffer.from("y"), { producers: many });
    await handle.append(Buffer.from("z"), { closed: {} });
    const state = handle.stream;
    await handle.release("complete");
    assert.equal(Object.keys(state?.producers ?? {}).length, 4_007);
    assert.deepEqual((await open().stat("state.txt"))?.stream, state);
    const again = await open().claim("state.txt");
    assert.deepEqual([again.stream, again.offset], [state, 72]);
    await again.release();
  });

  it("finds bytes in a path of many records between others", async () => {
    const store = open();
    const paths = ["one", "two", "three"].map((name) => `between/${name}`);
    const handles = await Promise.all(paths.map((path) => store.claim(path)));
    for (let at = 0; at < 150; at++) {
      const line = `${String(at).padStart(5, "0")}\n`;
      await Promise.all(handles.map((handle) => handle.append(Buffer.from(line))));
    }
    await Promise.all(handles.map((handle) => handle.release("complete")));
    const other = open();
    for (const at of [149, 0, 75, 12, 148, 13, 14]) {
      const text = await readAll(other.read("between/two", at * 6, at * 6 + 6));
      assert.equal(String(text), `${String(at).padStart(5, "0")}\n`);
    }
    assert.equal((await stored(other, "between/three")).length, 900);
  });

  it("keeps the tombstone of a removed path for its time only", async () => {
    const store = open({ prefix: newPrefix(), tombstoneMs: 1_000 });
    await put(store, "gone.txt", "x");
    assert.equal(await store.remove("gone.txt"), true);
    await until("the shards to be empty", async () => (await store.usedBytes?.()) === 0);
    assert.equal(await put(store, "gone.txt", "new"), 3);
    assert.equal(String(await stored(store, "gone.txt")), "new");
  });

  it("frees the paths of a node that was closed without releasing them", async () => {
    const [first, second] = [open(), open()];
    const handle = await first.claim("left.txt");
    await handle.append(Buffer.from("one "));
    await first.close?.();
    const next = await second.claim("left.txt");
    assert.equal(next.offset, 4);
    await next.release("complete");
  });

  it("passes the path that was requested to the node that has requested it, and to no other one", async () => {
    const [holder, asker, third] = [open(), open(), open()];
    const handle = await holder.claim("wanted.txt");
    handle.handoverRequested?.addEventListener("abort", () => void handle.release("restarting"));
    const withdraw = await asker.requestHandover?.("wanted.txt");
    await until("the release", async () => (await holder.stat("wanted.txt"))?.appending === false);
    await rejectsWith(third.claim("wanted.txt"), "conflict");
    const next = await asker.claim("wanted.txt");
    await withdraw?.();
    await next.release();
    await (await third.claim("wanted.txt")).release();
  });

  it("refuses an append when the stream is full, and keeps what is there", async () => {
    const store = open({ prefix: newPrefix(), shards: 1, maxBytes: 200_000 });
    const handle = await store.claim("full.txt");
    await handle.append(Buffer.alloc(100_000, "a"));
    await assert.rejects(handle.append(Buffer.alloc(150_000, "b")), (error) => {
      return error instanceof StreamError && error.code === "no_space";
    });
    assert.equal(handle.offset, 100_000);
    await handle.append(Buffer.from("end"));
    await handle.release("complete");
    assert.equal((await stored(store, "full.txt")).length, 100_003);
  });

  it("refuses to open what can't be served, with a sentence that says what to do", async () => {
    const wrong: [Parameters<typeof open>[0], RegExp][] = [
      [{ shards: 5 }, /has 2 shards, not 5/],
      [{ replicas: 3 }, /not on 3|needs 3 NATS servers/],
      [{ leaseMs: 5_000 }, /last 2000 ms, not 5000 ms/],
      [{ monitors: cluster.servers.map((url) => url.replace("nats:", "http:")) }, /monitoring port/],
      [{ prefix: newPrefix(), maxBytes: 1024 ** 4 }, /refuses to create the stream/],
    ];
    await open().open?.();
    for (const [options, message] of wrong)
      await assert.rejects(open(options).open?.() ?? Promise.resolve(), { message });
  });

  it("is not well before it is open and after it is closed", async () => {
    const store = open();
    assert.match((await store.health?.()) ?? "", /not connected/);
    await store.open?.();
    assert.equal(await store.health?.(), undefined);
    await store.close?.();
    assert.match((await store.health?.()) ?? "", /closed/);
    await rejectsWith(store.stat("x"), "unavailable");
    await removeInstallation(cluster, newPrefix());
  });
});

describe("a NATS server that acknowledges before its disk has the bytes", {
  skip: "missing" in server && server.missing,
}, () => {
  let cluster: NatsCluster;
  before(async () => {
    if ("path" in server) cluster = await NatsCluster.start(server.path, { sync: "2m" });
  });
  after(() => cluster?.stop());

  it("is refused, unless the operator does without", async () => {
    const options = storeOptions(cluster, { prefix: newPrefix() });
    await assert.rejects(jetstreamStore(options).open?.() ?? Promise.resolve(), { message: /sync_interval: always/ });
    const store = jetstreamStore({ ...options, unsafeSync: true });
    await store.open?.();
    await store.close?.();
  });
});
