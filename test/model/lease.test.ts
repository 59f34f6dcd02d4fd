/** The handshake between claims by the lease of the root and claims by path, in every order of its steps. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { type Explored, explore } from "./explore.ts";
import { leaseModel } from "./lease-model.ts";
import { FAULTS, type Fault } from "./world.ts";

const WORLDS = [
  { appends: [1, 1], naps: 0, deaths: 1 },
  { appends: [2, 1], naps: 0, deaths: 0 },
  { appends: [1, 1], naps: 1, deaths: 0 },
];

/** The first wrong state that a fault leads to. */
function firstFound(fault: Fault): Explored["found"] {
  for (const world of WORLDS) {
    const { found } = explore(leaseModel(world, fault));
    if (found) return found;
  }
  return undefined;
}

for (const [index, world] of WORLDS.entries()) {
  const skip = IS_SHORT && index > 0 ? LEFT_OUT : false;
  test(`whatever the order of the steps, there is no gap in the fence: ${JSON.stringify(world)}`, { skip }, (t) => {
    const { found, states } = explore(leaseModel(world));
    assert.deepEqual(found, undefined);
    t.diagnostic(`${states} states`);
  });
}

for (const fault of FAULTS) {
  test(`a process would break the fence that were to ${fault}`, (t) => {
    const found = firstFound(fault);
    assert.ok(found, "no order of steps leads to a wrong state");
    t.diagnostic(`${found.what}: ${found.steps.join(", ")}`);
  });
}

// Millions of states: `HTTPFSTREAM_MODEL=all` explores them.
test("the same in larger worlds", {
  skip: process.env["HTTPFSTREAM_MODEL"] === "all" ? false : "takes minutes: set HTTPFSTREAM_MODEL=all",
}, () => {
  for (const world of [
    { appends: [1, 1], naps: 1, deaths: 1 },
    { appends: [2, 1], naps: 1, deaths: 0 },
    { appends: [1, 1, 1], naps: 0, deaths: 0 },
  ]) {
    assert.deepEqual(explore(leaseModel(world)).found, undefined);
  }
});
