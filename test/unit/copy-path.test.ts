/** Copies between stores: what is kept, continued, refused and verified. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { copyAll } from "../../src/cli/copy/copy-all.ts";
import { Report } from "../../src/cli/copy/report.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { guardedStore, type Store, type StreamState } from "../../src/store/mod.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put, stored } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { ordinaryStore } from "../fixture/ordinary-store.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const LARGE = randomBytes(3 * 1024 * 1024 + 17);
const STATE: StreamState = {
  created: true,
  type: "application/json",
  ttlSeconds: 3600,
  seq: "7",
  producers: { one: { epoch: 2, seq: 5, at: 12 } },
};

/** How to copy, with defaults for tests. */
interface Options {
  readonly roots?: readonly string[];
  readonly isLive?: boolean;
  readonly isCheck?: boolean;
  readonly signal?: AbortSignal;
  readonly jobs?: number;
}

/** Copies; returns what was said, and how many paths have failed. */
async function copied(from: Store, to: Store, options: Options = {}): Promise<{ lines: string[]; failures: number }> {
  const { roots = [], isLive = false, isCheck = false, signal = new AbortController().signal, jobs = 3 } = options;
  const lines: string[] = [];
  const report = new Report({ command: "copy", verbose: true, isCheck, say: (line) => void lines.push(line) });
  await copyAll({ from, to, roots, isLive, isCheck, jobs, report, signal });
  report.end();
  return { lines, failures: report.failures };
}

/** Appends as a whole append does: with a type, a state and an end. */
async function fill(store: Store, path: string, bytes: string | Uint8Array, own: Own = {}): Promise<void> {
  const { type, state, ended = "complete" } = own;
  const handle = await store.claim(path, { type });
  await handle.append(Buffer.from(bytes));
  if (state) await handle.append(new Uint8Array(0), state);
  await handle.release(ended);
}

interface Own {
  readonly type?: string;
  readonly state?: StreamState;
  readonly ended?: "complete" | "failed";
}

describe("a copy", () => {
  let folder: string;
  const kinds: Record<string, () => Store> = {
    folders: () => fileStore({ root: `${folder}/${randomBytes(6).toString("hex")}`, durability: "disk" }),
    memory: () => memoryStore(),
    "stores as users write them": () => guardedStore(ordinaryStore()),
  };
  before(async () => {
    folder = await temporaryFolder("copy");
  });
  after(() => removeFolder(folder));

  for (const [name, open] of Object.entries(kinds)) {
    it(`between ${name} keeps bytes, types, states and ends, and is repeated without effect`, async () => {
      const [from, to] = [open(), open()];
      await fill(from, "a/large.bin", LARGE, { type: "image/png" });
      await fill(from, "a/b/failed.log", "half", { ended: "failed" });
      await fill(from, "empty", "");
      await fill(from, "json", '{"a":1}\n{"b":2}\n', { type: "application/json", state: STATE });
      await fill(from, "closed", "done", { state: { ...STATE, closed: { by: { id: "one", epoch: 2, seq: 5 } } } });
      const first = await copied(from, to);
      assert.deepEqual([first.failures, first.lines.at(-1)], [0, "5 copied (3.0 MiB), 0 already there"]);
      for (const path of ["a/large.bin", "a/b/failed.log", "empty", "json", "closed"]) {
        const [source, copy] = await Promise.all([from.stat(path), to.stat(path)]);
        assert.ok(source && copy, path);
        assert.deepEqual(
          [copy.size, copy.type, copy.stream, copy.ended],
          [...[source.size, source.type, source.stream, source.ended]],
        );
        assert.ok((await stored(to, path)).equals(await stored(from, path)), path);
      }
      const again = await copied(from, to);
      assert.equal(again.lines.at(-1), "0 copied (0 B), 5 already there");
      assert.deepEqual(await copied(from, to, { isCheck: true }).then(({ failures }) => failures), 0);
    });
  }

  it("completes what is there, if it is the beginning", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "large", LARGE, { state: STATE });
    await put(to, "large", LARGE.subarray(0, 1_000_001));
    const { generation } = (await to.stat("large")) ?? {};
    const { lines, failures } = await copied(from, to);
    assert.equal(failures, 0, lines.join("\n"));
    assert.ok((await stored(to, "large")).equals(LARGE));
    const copy = await to.stat("large");
    assert.deepEqual([copy?.generation, copy?.stream, copy?.ended], [generation, STATE, "complete"]);
  });

  it("continues after a failure, and stores no byte twice", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "large", LARGE);
    let left = 4;
    const failing = withMembers<Store>(to, {
      claim: async (...claimed) => {
        const handle = await to.claim(...claimed);
        return withMembers(handle, {
          append: async (...batch) => {
            if (left-- === 0) throw new StreamError("storage", "The disk is broken.");
            return handle.append(...batch);
          },
        });
      },
    });
    const first = await copied(from, failing);
    assert.equal(first.failures, 1);
    assert.match(first.lines.join("\n"), /^copy: \/large: storage: The disk is broken\.$/m);
    const part = await to.stat("large");
    assert.ok(part && part.size > 0 && part.size < LARGE.length && part.ended === "lost");
    assert.equal((await copied(from, failing)).failures, 0);
    assert.ok((await stored(to, "large")).equals(LARGE));
  });

  it("ends at once if the destination is full or does not answer", async () => {
    const from = memoryStore();
    for (const name of ["a", "b", "c", "d"]) await fill(from, name, "x");
    const to = withMembers<Store>(memoryStore(), {
      claim: async () => {
        throw new StreamError("no_space", "The stream is full.");
      },
    });
    const { lines, failures } = await copied(from, to, { jobs: 1 });
    assert.equal(failures, 1);
    assert.deepEqual(lines, ["copy: /a: no space: The stream is full.", "0 copied (0 B), 0 already there, 1 failed"]);
  });

  const conflicts: [string, (to: Store) => Promise<unknown>, RegExp][] = [
    ["other bytes", (to) => put(to, "p", "01x"), /the destination has other bytes of it\. Remove it there/],
    ["more bytes", (to) => put(to, "p", "0123456789+"), /the destination has 11 bytes of it, the source only 10\./],
    ["another type", (to) => fill(to, "p", "01", { type: "text/html" }), /it has the type text\/html /],
    ["a stream", (to) => fill(to, "p", "01", { state: STATE }), /it is a stream in the destination/],
    ["an appender", (to) => to.claim("p"), /conflict: .*appender/],
  ];
  for (const [what, prepare, pattern] of conflicts) {
    it(`leaves ${what} in the destination alone, and goes on with the next path`, async () => {
      const [from, to] = [memoryStore(), memoryStore()];
      await fill(from, "p", "0123456789", { type: "text/plain" });
      await fill(from, "q", "next");
      await prepare(to);
      const size = (await to.stat("p"))?.size;
      const { lines, failures } = await copied(from, to);
      assert.equal(failures, 1);
      assert.match(lines.join("\n"), pattern);
      assert.equal((await to.stat("p"))?.size, size);
      assert.equal(String(await stored(to, "q")), "next");
    });
  }

  it("refuses a path that is being appended to, and copies what is stored of it with --live", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    const writer = await from.claim("log");
    await writer.append(Buffer.from("one "));
    const refused = await copied(from, to);
    assert.equal(refused.failures, 1);
    assert.match(refused.lines.join("\n"), /it is being appended to\. .*--live/);
    assert.equal(await to.stat("log"), undefined);
    const live = await copied(from, to, { isLive: true });
    assert.equal(live.failures, 0);
    assert.equal(live.lines.at(-1), "0 copied (4 B), 0 already there, 1 still being appended to");
    await writer.append(Buffer.from("two"));
    await writer.append(new Uint8Array(0), { ...STATE, closed: {} });
    await writer.release("complete");
    assert.equal((await copied(from, to)).failures, 0);
    assert.equal(String(await stored(to, "log")), "one two");
    const copy = await to.stat("log");
    assert.deepEqual([copy?.ended, copy?.stream], ["complete", { ...STATE, closed: {} }]);
  });

  it("copies a path with a cached claim", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    const writer = await from.claim("short", { kept: true });
    await writer.append(Buffer.from("x"));
    assert.equal((await copied(from, to)).failures, 0);
    assert.equal((await to.stat("short"))?.size, 1);
  });

  it("notices that the source has changed meanwhile", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "log", "one");
    const growing = withMembers<Store>(to, {
      claim: async (...claimed) => {
        await put(from, "log", " two");
        return to.claim(...claimed);
      },
    });
    const first = await copied(from, growing);
    assert.match(first.lines.join("\n"), /^copy: \/log: it has changed while it was copied\. /m);
    assert.equal((await copied(from, to)).failures, 0);
    assert.equal(String(await stored(to, "log")), "one two");
  });

  it("notices that the destination returns other bytes than it was given", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "log", "one");
    const broken = withMembers<Store>(to, {
      read: (path, first, last, ...more) => {
        const stream = to.read(path, first, last, ...more);
        const flip = (bytes: Uint8Array, out: TransformStreamDefaultController<Uint8Array>): void =>
          out.enqueue(bytes.map((byte) => byte ^ 1));
        return stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ transform: flip }));
      },
    });
    assert.match((await copied(from, broken)).lines.join("\n"), /returns other bytes than were stored there/);
  });

  it("only compares with --check", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "missing", "abc");
    await fill(from, "short", "abc");
    await fill(from, "same", "abc");
    await fill(from, "state", "abc", { state: STATE });
    await put(to, "short", "a");
    await fill(to, "same", "abc");
    await fill(to, "state", "abc");
    const { lines, failures } = await copied(from, to, { isCheck: true });
    assert.equal(failures, 3);
    assert.match(lines.join("\n"), /^copy: \/missing: the destination does not have it\.$/m);
    assert.match(lines.join("\n"), /^copy: \/short: the destination lacks its last 2 bytes\.$/m);
    assert.match(lines.join("\n"), /^copy: \/state: the destination has all of its bytes, but other records of it\.$/m);
    assert.equal(lines.at(-1), "1 the same, 3 different");
    assert.deepEqual([await to.stat("missing"), (await to.stat("short"))?.size], [undefined, 1]);
  });

  it("copies the paths that are named, and says which do not exist", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    for (const path of ["a/1", "a/b/2", "c", "d/3"]) await fill(from, path, path);
    const { lines, failures } = await copied(from, to, { roots: ["a", "none", "c"] });
    assert.equal(failures, 1);
    assert.match(lines.join("\n"), /^copy: \/none: not found: "\/none" does not exist\.$/m);
    const there = await Promise.all(["a/1", "a/b/2", "c", "d/3"].map(async (path) => (await to.stat(path))?.size));
    assert.deepEqual(there, [3, 5, 1, undefined]);
  });

  it("keeps forks and tombstones, and says that subscriptions are not copied", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    const fork = { source: "source", offset: 3, sub: 0 };
    await fill(from, "fork", "abc", { state: { ...STATE, fork } });
    await from.streams?.writeTombstone("source", { ...STATE, deleted: true });
    const record = { root: "", id: "s", revision: 1 };
    assert.ok(from.subscriptions);
    Object.assign(from.subscriptions, { list: async () => [record] });
    const { lines, failures } = await copied(from, to);
    assert.equal(failures, 0, lines.join("\n"));
    assert.match(lines.join("\n"), /^One subscription is not copied/m);
    assert.deepEqual((await to.stat("fork"))?.stream?.fork, fork);
    assert.deepEqual(await to.streams?.forksOf("source"), ["fork"]);
    assert.equal((await to.streams?.find("source"))?.deleted, true);
  });

  it("stops when it is interrupted, and reports no failure", async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await fill(from, "large", LARGE);
    const controller = new AbortController();
    const stopping = withMembers<Store>(to, {
      claim: async (...claimed) => {
        const handle = await to.claim(...claimed);
        return withMembers(handle, {
          append: async (...batch) => {
            controller.abort();
            return handle.append(...batch);
          },
        });
      },
    });
    const { failures } = await copied(from, stopping, { signal: controller.signal });
    assert.equal(failures, 0);
    const part = await to.stat("large");
    assert.ok(part && part.size > 0 && part.size < LARGE.length && part.appending === false);
    assert.equal((await copied(from, to)).failures, 0);
    assert.ok((await stored(to, "large")).equals(LARGE));
  });
});
