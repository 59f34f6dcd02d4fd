/** Line counts: what is kept of them, and what happens to those who ask while the content changes or others leave. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { resolveLimits } from "../../src/engine/limits.ts";
import { LineCounts } from "../../src/engine/scan/line-counts.ts";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { HeldStore } from "../fixture/held-store.ts";
import { until } from "../fixture/until.ts";

/** How many resources the cache keeps. */
const KEPT = 64;

/** A store whose states are changed on their way to the engine. */
class ChangedStore extends HeldStore {
  change: (found: StoreStat) => StoreStat = (found) => found;

  override async stat(path: string): Promise<StoreStat | undefined> {
    const found = await super.stat(path);
    return found && this.change(found);
  }

  /** Lets reads wait until the result is called. */
  hold(): () => void {
    let letGo = (): void => {};
    this.beforeRead = new Promise((resolve) => {
      letGo = resolve;
    });
    return letGo;
  }
}

class Rig {
  readonly store = new ChangedStore();
  readonly counts: LineCounts;

  constructor(limits = {}) {
    this.counts = new LineCounts(this.store, new ScanTurns(), resolveLimits(limits));
  }

  async found(path: string): Promise<StoreStat> {
    const found = await this.store.stat(path);
    assert.ok(found);
    return found;
  }

  /** Asks for the counts of what is stored now. */
  async of(path: string, signal = new AbortController().signal): Promise<readonly number[]> {
    return (await this.counts.of(path, await this.found(path), { signal })).from(0);
  }

  /** Whether the counts of a path are read from the store. */
  async isRead(path: string): Promise<boolean> {
    const { reads } = this.store;
    await this.of(path);
    return this.store.reads > reads;
  }
}

describe("line counts", () => {
  it("are kept for the resources that were used last", async () => {
    const rig = new Rig();
    const paths = Array.from({ length: KEPT + 1 }, (_, at) => `path-${at}`);
    for (const path of paths) await rig.store.append(path, "x\n");
    const [first = "", second = "", third = ""] = paths;
    for (const path of paths.slice(0, KEPT)) await rig.of(path);
    assert.ok(!(await rig.isRead(first)), "all of them are kept, and the first one is now the newest");
    await rig.of(paths.at(-1) ?? "");
    assert.ok(!(await rig.isRead(first)));
    assert.ok(!(await rig.isRead(third)));
    assert.ok(await rig.isRead(second), "the one that was used longest ago is dropped");
  });

  it("serve an older state, too", async () => {
    const rig = new Rig();
    await rig.store.append("a", "one\n");
    const older = await rig.found("a");
    await rig.store.append("a", "two\n");
    assert.deepEqual(await rig.of("a"), [2]);
    const { reads } = rig.store;
    const { signal } = new AbortController();
    assert.deepEqual((await rig.counts.of("a", older, { signal })).from(0), [2]);
    assert.equal(rig.store.reads, reads);
  });

  it("are never kept where the store has no generations", async () => {
    const rig = new Rig();
    rig.store.change = (found) => ({ ...found, generation: "" });
    await rig.store.append("a", "one\n");
    assert.deepEqual(await rig.of("a"), [1]);
    assert.ok(await rig.isRead("a"));
    assert.deepEqual(await rig.of("a"), [1]);
  });

  it("of new content wait for those of the old one, and fail with it no more than alone", async () => {
    const rig = new Rig();
    await rig.store.append("a", "one\n");
    const letGo = rig.store.hold();
    const old = rig.of("a");
    await until("a read", () => rig.store.openReads === 1);
    await rig.store.remove("a");
    await rig.store.append("a", "1\n2\n");
    const asked = rig.of("a");
    const gone = new AbortController();
    const left = rig.of("a", gone.signal);
    await until("both to have looked", () => rig.store.stats === 3);
    gone.abort();
    await rejectsWith(left, "lost");
    assert.equal(rig.store.reads, 1, "nothing else is read meanwhile");
    letGo();
    await assert.rejects(old);
    assert.deepEqual(await asked, [2]);
  });

  it("go on for those who are left when another one leaves", async () => {
    const rig = new Rig();
    await rig.store.append("a", "x\n".repeat(2 * 1024 * 1024));
    const letGo = rig.store.hold();
    const gone = new AbortController();
    const [left, stays] = [rig.of("a", gone.signal), rig.of("a")];
    await until("a read", () => rig.store.openReads === 1);
    gone.abort();
    const lost = await rejectsWith(left, "lost");
    assert.match(lost.message, /disconnected/);
    letGo();
    const counts = await stays;
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      2 * 1024 * 1024,
    );
    assert.equal(rig.store.reads, 1);
  });

  it("are refused to those who have left before, and nothing is counted", async () => {
    const rig = new Rig();
    await rig.store.append("a", "x\n".repeat(4 * 1024 * 1024));
    const letGo = rig.store.hold();
    await rejectsWith(rig.of("a", AbortSignal.abort()), "lost");
    letGo();
    await until("the end of the read", () => rig.store.openReads === 0);
    assert.ok(await rig.isRead("a"));
  });

  it("leave nothing at the signals of those who asked", async () => {
    const rig = new Rig();
    await rig.store.append("a", "x\n");
    const { signal } = new AbortController();
    await rig.of("a", signal);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
    const letGo = rig.store.hold();
    await rig.store.append("a", "y\n");
    const gone = new AbortController();
    const left = rig.of("a", gone.signal);
    await until("a read", () => rig.store.openReads === 1);
    assert.equal(getEventListeners(gone.signal, "abort").length, 1);
    gone.abort();
    await rejectsWith(left, "lost");
    assert.deepEqual(getEventListeners(gone.signal, "abort"), []);
    letGo();
  });

  it("fail if the resource is shorter or other content after they were read, and use up no limit", async () => {
    const rig = new Rig({ lineCounts: 1 });
    await rig.store.append("a", "one\ntwo\n");
    const found = await rig.found("a");
    const { signal } = new AbortController();
    for (const other of [{ size: found.size - 1 }, { generation: "other" }]) {
      rig.store.change = (now) => ({ ...now, ...other });
      const changed = await rejectsWith(rig.counts.of("a", found, { signal }), "changed");
      assert.match(changed.message, /"\/a" was changed/);
      rig.store.change = (now) => now;
    }
    assert.deepEqual(await rig.of("a"), [2]);
    rig.store.change = (now) => ({ ...now, size: now.size });
    assert.ok(!(await rig.isRead("a")));
  });
});
