/** Forks whose source is removed, and removals that are cut off. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Store } from "../../src/engine/storage/store.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { DurableRig, forkOf, withMembers } from "../fixture/durable-rig.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

describe("a fork", () => {
  it("whose source is removed during the copy is refused, as one without a source", async (t) => {
    const memory = memoryStore();
    const read: Store["read"] = (...range) =>
      new ReadableStream({
        async pull(controller) {
          await rig.streams.remove("a");
          const { value } = await memory
            .read(...range)
            .getReader()
            .read();
          if (value) controller.enqueue(value);
        },
      });
    const rig = new DurableRig(withMembers(memory, { read }));
    t.after(() => rig.close());
    await rig.create("a", "one");
    await rejectsWith(rig.create("b", forkOf("a")), "not_found");
    assert.equal(await rig.store.stat("b"), undefined);
    assert.deepEqual([await rig.records.find("a"), await rig.records.forksOf("a")], [undefined, []]);
  });
});

describe("a removal of a stream with forks", () => {
  it("leaves the tombstone also if the server dies as soon as the file is gone", async (t) => {
    const root = await temporaryFolder("removal");
    t.after(() => removeFolder(root));
    const store = fileStore({ root });
    const { streams } = store;
    assert.ok(streams);
    // What comes behind the removal of the file does not happen.
    const dying = withMembers(streams, {
      writeTombstone: async () => Promise.reject(new Error("The test stops here.")),
    });
    const rig = new DurableRig(store, {}, dying);
    await rig.create("a", "one");
    await rig.create("b", forkOf("a"));
    await assert.rejects(rig.streams.remove("a"), /The test stops here/);
    assert.equal(existsSync(join(root, "a")), false);
    await rig.close();
    const next = new DurableRig(fileStore({ root }));
    t.after(() => next.close());
    assert.equal((await next.streams.settle("a"))?.deleted, true);
    await rejectsWith(next.create("c", forkOf("a")), "mismatch");
    assert.equal(await next.text("b"), "one");
    await next.streams.remove("b");
    assert.equal(await next.streams.settle("a"), undefined);
    await next.create("a", "new");
  });

  it("that fails leaves the stream as it was, and no tombstone", async (t) => {
    const root = await temporaryFolder("removal");
    t.after(() => removeFolder(root));
    const rig = new DurableRig(fileStore({ root }));
    t.after(() => rig.close());
    await rig.create("a", "one");
    await rig.create("b", forkOf("a"));
    const raw = await rig.registry.admit("a");
    await rejectsWith(rig.streams.remove("a"), "in_use");
    assert.equal((await rig.records.find("a"))?.deleted, undefined);
    await raw.end("complete");
    await rig.store.remove("a");
    assert.equal(await rig.records.find("a"), undefined);
  });
});
