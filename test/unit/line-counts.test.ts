/** Line counts: the cache, one resource at a time, and no work for clients that have left. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveLimits } from "../../src/engine/limits.ts";
import { LineCounts } from "../../src/engine/scan/line-counts.ts";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { createStreams, type Store, type Streams } from "../../src/index.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { HeldStore } from "../fixture/held-store.ts";
import { until } from "../fixture/until.ts";

const BLOCK = 64 * 1024;

/** A store whose reads wait until the test lets them go on. */
class Gate {
  readonly store = new HeldStore();
  open: () => void = () => {};

  close(): void {
    this.store.beforeRead = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  async found(path: string): Promise<StoreStat> {
    const found = await this.store.stat(path);
    assert.ok(found);
    return found;
  }
}

function asker(peer?: string): { peer: string | undefined; signal: AbortSignal; leave(): void } {
  const gone = new AbortController();
  return { peer, signal: gone.signal, leave: () => gone.abort() };
}

function countsIn(gate: Gate, limits = {}): LineCounts {
  return new LineCounts(gate.store, new ScanTurns(), resolveLimits(limits));
}

describe("line counts", () => {
  it("are cached, and only new bytes are read", async () => {
    const gate = new Gate();
    const counts = countsIn(gate);
    await gate.store.append("a", "one\ntwo\n");
    const first = await counts.of("a", await gate.found("a"), asker());
    assert.deepEqual([first.size, first.from(0)], [8, [2]]);
    const { reads } = gate.store;
    assert.deepEqual((await counts.of("a", await gate.found("a"), asker())).from(0), [2]);
    assert.equal(gate.store.reads, reads, "nothing is read again");
    await gate.store.append("a", "three\n");
    gate.close();
    const asked = counts.of("a", await gate.found("a"), asker());
    await until("a read", () => gate.store.openReads === 1);
    gate.open();
    assert.deepEqual((await asked).from(0), [3]);
    assert.equal(gate.store.reads, reads + 1);
  });

  it("of one path are counted once for all askers, and one path after the other", async () => {
    const gate = new Gate();
    const counts = countsIn(gate);
    for (const path of ["a", "b"]) await gate.store.append(path, "x\n".repeat(BLOCK));
    const [a, b] = [await gate.found("a"), await gate.found("b")];
    gate.close();
    const asked = [counts.of("a", a, asker()), counts.of("b", b, asker()), counts.of("a", a, asker())];
    await until("a read", () => gate.store.openReads === 1);
    // Turns of the event loop in which the other path could be read.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([gate.store.openReads, gate.store.reads], [1, 1]);
    gate.open();
    const all = await Promise.all(asked);
    assert.deepEqual(
      all.map((each) => each.from(0)),
      [0, 1, 2].map(() => [BLOCK / 2, BLOCK / 2]),
    );
    assert.equal(gate.store.reads, 2);
  });

  it("of several addresses take turns", async () => {
    const gate = new Gate();
    const counts = countsIn(gate);
    const paths = ["a", "b", "c", "d"];
    for (const path of paths) await gate.store.append(path, "x\n");
    const found = new Map<string, StoreStat>();
    for (const path of paths) found.set(path, await gate.found(path));
    gate.close();
    const order: string[] = [];
    const asked = paths.map(async (path) => {
      await counts.of(path, found.get(path) as StoreStat, asker(path === "d" ? "192.0.2.2" : "192.0.2.1"));
      order.push(path);
    });
    await until("a read", () => gate.store.openReads === 1);
    gate.open();
    await Promise.all(asked);
    assert.deepEqual(order, ["a", "d", "b", "c"]);
  });

  it("stop when all askers have left, and are continued later", async () => {
    const gate = new Gate();
    const counts = countsIn(gate);
    await gate.store.append("a", "one\n");
    await counts.of("a", await gate.found("a"), asker());
    await gate.store.append("a", "x\n".repeat(40 * BLOCK));
    const found = await gate.found("a");
    gate.close();
    const askers = [asker(), asker()];
    const asked = askers.map((each) => counts.of("a", found, each));
    await until("a read", () => gate.store.openReads === 1);
    for (const [index, each] of askers.entries()) {
      each.leave();
      await rejectsWith(asked[index] as Promise<unknown>, "lost");
    }
    gate.open();
    await until("the end of the read", () => gate.store.openReads === 0);
    const all = await counts.of("a", found, asker());
    assert.equal(all.size, found.size);
    assert.equal(
      all.from(0).reduce((sum, count) => sum + count, 0),
      40 * BLOCK + 1,
    );
  });

  it("fail if the content is removed or replaced meanwhile", async () => {
    const gate = new Gate();
    const counts = countsIn(gate);
    await gate.store.append("a", "one\n");
    const found = await gate.found("a");
    for (const text of ["", "other\n\n"]) {
      gate.close();
      const asked = counts.of("a", { ...(await gate.found("a")), size: 4 }, asker());
      await until("a read", () => gate.store.openReads === 1);
      await gate.store.remove("a");
      if (text) await gate.store.append("a", text);
      gate.open();
      await assert.rejects(asked, (error: { code: string }) => ["changed", "replaced"].includes(error.code));
      if (!text) await gate.store.append("a", "one\n");
    }
    await assert.rejects(counts.of("a", found, asker()));
    const now = await gate.found("a");
    assert.deepEqual((await counts.of("a", now, asker())).from(0), [2]);
  });

  it("have limits, in all and per address", async () => {
    const gate = new Gate();
    const counts = countsIn(gate, { lineCounts: 3, peerLineCounts: 2 });
    const paths = ["a", "b", "c", "d"];
    for (const path of paths) await gate.store.append(path, "x\n");
    const [a, b, c, d] = (await Promise.all(paths.map((path) => gate.found(path)))) as [StoreStat, ...StoreStat[]];
    assert.ok(b && c && d);
    gate.close();
    const first = asker("192.0.2.1");
    const asked = [counts.of("a", a, first), counts.of("b", b, asker("192.0.2.1"))];
    const tooMany = await rejectsWith(counts.of("c", c, asker("192.0.2.1")), "too_many");
    assert.match(tooMany.message, /192\.0\.2\.1 has 2 line counts under way.*peerLineCounts/);
    assert.equal(tooMany.headers["Retry-After"], "1");
    asked.push(counts.of("a", a, asker("192.0.2.1")), counts.of("c", c, asker("192.0.2.2")));
    const full = await rejectsWith(counts.of("d", d, asker("192.0.2.3")), "overloaded");
    assert.match(full.message, /3 line counts under way.*lineCounts/);
    gate.open();
    await Promise.all(asked);
    assert.deepEqual((await counts.of("d", d, asker("192.0.2.1"))).from(0), [1]);
  });
});

describe("the response with line counts", () => {
  const lines = async (streams: Streams, path: string, init?: RequestInit): Promise<Response> =>
    await streams.app.request(`http://localhost/${path}?lines`, init);

  async function open(limits = {}): Promise<{ gate: Gate; streams: Streams }> {
    const gate = new Gate();
    const store: Store = gate.store;
    return { gate, streams: createStreams({ store, limits }) };
  }

  it("is 413 for a resource that is too large to count", async () => {
    const { gate, streams } = await open({ lineIndexBytes: 8 });
    await gate.store.append("a", "one\ntwo\n");
    assert.equal((await lines(streams, "a")).status, 200);
    await gate.store.append("a", "!");
    for (const method of ["GET", "HEAD"]) {
      const refused = await lines(streams, "a", { method });
      assert.deepEqual([refused.status, refused.headers.get("Stream-Error")], [413, "too_large"]);
      if (method === "GET") assert.match(await refused.text(), /"\/a" has 9 bytes.*at most 8 bytes \(lineIndexBytes\)/);
    }
    await streams.shutdown();
  });

  it("is that of the new content if the path is replaced meanwhile, and 404 if it is removed", async () => {
    for (const [text, status] of [
      ["other\n\n", 200],
      ["", 404],
    ] as const) {
      const { gate, streams } = await open();
      await gate.store.append("a", "one\n");
      gate.close();
      const asked = lines(streams, "a");
      await until("a read", () => gate.store.openReads === 1);
      await gate.store.remove("a");
      if (text) await gate.store.append("a", text);
      gate.open();
      const response = await asked;
      assert.equal(response.status, status);
      if (text) assert.deepEqual(await response.json(), { block: BLOCK, size: text.length, counts: [2] });
      await streams.shutdown();
    }
  });

  it("is 412 if the path is replaced and the request names the old content", async () => {
    const { gate, streams } = await open();
    await gate.store.append("a", "one\n");
    const { generation } = await gate.found("a");
    gate.close();
    const asked = streams.app.request(`http://localhost/a?lines&generation=${generation}`);
    await until("a read", () => gate.store.openReads === 1);
    await gate.store.remove("a");
    await gate.store.append("a", "two\n");
    gate.open();
    assert.equal((await asked).status, 412);
    await streams.shutdown();
  });

  it("is 503 at a shutdown, which does not wait for the count", async () => {
    const { gate, streams } = await open();
    await gate.store.append("a", "one\n");
    gate.close();
    const asked = lines(streams, "a");
    await until("a read", () => gate.store.openReads === 1);
    await streams.shutdown();
    const response = await asked;
    assert.deepEqual([response.status, response.headers.get("Stream-Error")], [503, "restarting"]);
    gate.open();
  });

  it("is not waited for when the client has left", async () => {
    const { gate, streams } = await open();
    await gate.store.append("a", "x\n".repeat(20 * BLOCK));
    gate.close();
    const gone = new AbortController();
    const asked = lines(streams, "a", { signal: gone.signal });
    await until("a read", () => gate.store.openReads === 1);
    gone.abort();
    await asked;
    gate.open();
    await until("the end of the read", () => gate.store.openReads === 0);
    await streams.shutdown();
  });
});
