/** The claims of a group and of a process outside it, in every order of their steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Explored, explore } from "./explore.ts";
import { GROUP_FAULTS, type GroupFault, groupModel, groupWorld } from "./group-model.ts";

const WORLDS = [groupWorld(2, 1, 0), groupWorld(1, 1, 1), groupWorld(2, 0, 1), groupWorld(1, 0, 1, 3)];

function firstFound(fault: GroupFault): Explored["found"] {
  for (const world of WORLDS) {
    const { found } = explore(groupModel(world, fault));
    if (found) return found;
  }
  return undefined;
}

for (const [at, world] of WORLDS.entries()) {
  test(`whatever the order of the steps, one process has the path: world ${at}`, (t) => {
    const { found, states } = explore(groupModel(world));
    assert.deepEqual(found, undefined);
    t.diagnostic(`${states} states`);
  });
}

for (const fault of GROUP_FAULTS) {
  test(`two processes would have it if they were to ${fault}`, (t) => {
    const found = firstFound(fault);
    assert.ok(found, "no order of steps leads to a wrong state");
    t.diagnostic(`${found.what}: ${found.steps.join(", ")}`);
  });
}
