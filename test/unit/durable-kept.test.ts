/** How many streams keep their claims: each has open files. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { DurableRig } from "../fixture/durable-rig.ts";

/** Most claims that are kept at a time. */
const MAX_KEPT = 500;

describe("the claim of a stream", () => {
  it("is given up by the one that has kept it for longest, if there are too many", async (t) => {
    // None is given up because a busy machine takes long to create them.
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const it = new DurableRig();
    t.after(() => it.close());
    const paths = Array.from({ length: MAX_KEPT }, (_, at) => `s${at}`);
    for (const path of paths) await it.create(path);
    await turn();
    assert.equal(paths.filter((path) => it.streams.isLingering(path)).length, MAX_KEPT);
    // The first one is used again, so the second one has kept its claim for longest.
    await it.append("s0", "x");
    await it.create("last");
    await turn();
    assert.deepEqual(
      ["s0", "s1", "s2", "last"].map((path) => it.streams.isLingering(path)),
      [true, false, true, true],
    );
    assert.equal((await it.append("s1", "x")).offset, 1);
  });
});
