/** The state of a stream after a change, and how many producers it keeps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  changedState,
  type ProducerState,
  type StreamState,
  withFewProducers,
} from "../../src/engine/storage/stream-state.ts";

/** Producers that are named by the size of the stream after their last append. */
function producers(...sizes: readonly number[]): Record<string, ProducerState> {
  return Object.fromEntries(sizes.map((at) => [`p${at}`, { epoch: 0, seq: 0, at }]));
}

function stateOf(known: Record<string, ProducerState>): StreamState {
  return { created: true, producers: known };
}

describe("the state after a change", () => {
  it("has the members of both, and those of the change count", () => {
    const state = changedState({ ...stateOf(producers(1, 2)), seq: "a", type: "text/plain" }, { seq: "b" });
    assert.deepEqual(state, { created: true, type: "text/plain", seq: "b", producers: producers(1, 2) });
  });

  it("has the producers of both, without those that are forgotten", () => {
    const newer = { p2: { epoch: 1, seq: 0, at: 9 }, p3: { epoch: 0, seq: 0, at: 3 } };
    const before = stateOf(producers(1, 2));
    assert.deepEqual(changedState(before, { producers: newer, forgotten: ["p1", "none"] }), stateOf(newer));
    assert.deepEqual(before, stateOf(producers(1, 2)), "the state before stays as it was");
  });

  it("begins as that of a path that no PUT has created", () => {
    assert.deepEqual(changedState(undefined, { seq: "a" }), { created: false, seq: "a", producers: {} });
  });
});

describe("the producers of a stream", () => {
  it("are all kept as long as they are few", () => {
    const known = stateOf(producers(1, 2, 3));
    for (const [state, change] of [
      [known, { seq: "a" }],
      [known, { producers: producers(4) }],
      [known, { producers: { p1: { epoch: 0, seq: 1, at: 5 }, p4: { epoch: 0, seq: 0, at: 5 } } }],
      [undefined, { producers: producers(1, 2, 3, 4) }],
    ] as const) {
      assert.equal(withFewProducers(state, change, 4), change);
    }
    assert.deepEqual(withFewProducers(stateOf(producers(1, 2)), { seq: "a" }, 1), { seq: "a" });
  });

  it("are forgotten when there are too many, those first that have been quiet for longest", () => {
    const known = stateOf(producers(5, 10, 3, 8, 1, 7, 2, 9, 4, 6));
    const change = { seq: "a", producers: producers(11) };
    // Nine of ten are kept, so that the search pays off.
    assert.deepEqual(withFewProducers(known, change, 10), { ...change, forgotten: ["p1", "p2"] });
    const { forgotten } = withFewProducers(known, { producers: { p1: { epoch: 0, seq: 1, at: 12 } } }, 9);
    assert.deepEqual(forgotten, ["p2", "p3"], "what a producer appends now counts");
  });

  it("are quiet since the beginning if it is not on record when they appended", () => {
    const known = stateOf({ ...producers(1, 2), old: { epoch: 0, seq: 0 } });
    const { forgotten } = withFewProducers(known, { producers: { ...producers(3), older: { epoch: 0, seq: 0 } } }, 4);
    assert.deepEqual(forgotten, ["old", "older"]);
  });

  it("are at least one", () => {
    assert.deepEqual(withFewProducers(stateOf(producers(1)), { producers: producers(2) }, 1).forgotten, ["p1"]);
  });

  it("may have the names of members of every object", () => {
    const change = { producers: { toString: { epoch: 0, seq: 0, at: 9 } } };
    assert.deepEqual(withFewProducers(stateOf(producers(1)), change, 1).forgotten, ["p1"]);
  });
});
