import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SILENCE_MS } from "../../src/client/connection/limits.ts";
import { Watchdog } from "../../src/client/retry/watchdog.ts";
import { VirtualClock } from "./simulation/clock.ts";

/** A watchdog on a virtual clock, what it watches, and the times at which it reported silence. */
function watch(): {
  clock: VirtualClock;
  watched: { expects: boolean; pending: number };
  dog: Watchdog;
  silences: number[];
} {
  const clock = new VirtualClock();
  const watched = { expects: true, pending: 0 };
  const silences: number[] = [];
  const dog = new Watchdog(clock, {
    expectsSigns: () => watched.expects,
    get pending() {
      return watched.pending;
    },
    silent: () => silences.push(clock.now()),
  });
  return { clock, watched, dog, silences };
}

/** Advances the clock by this many milliseconds, including all timers that are due by then. */
function pass(clock: VirtualClock, milliseconds: number): void {
  let arrived = false;
  clock.after(milliseconds, () => {
    arrived = true;
  });
  while (!arrived || clock.nextMs === 0) clock.advance();
}

describe("the watch on a connection", () => {
  it("reports it dead once, after a silence", () => {
    const { clock, silences } = watch();
    pass(clock, 10 * SILENCE_MS);
    assert.deepEqual(silences, [SILENCE_MS]);
  });

  it("counts from the last sign of life", () => {
    const { clock, dog, silences } = watch();
    for (let signs = 0; signs < 10; signs++) {
      pass(clock, SILENCE_MS - 1);
      dog.heard();
    }
    assert.deepEqual(silences, []);
    pass(clock, SILENCE_MS);
    assert.deepEqual(silences, [10 * (SILENCE_MS - 1) + SILENCE_MS]);
  });

  it("ignores silence while no signs of life are expected", () => {
    const { clock, watched, dog, silences } = watch();
    watched.expects = false;
    pass(clock, 3.5 * SILENCE_MS);
    assert.deepEqual(silences, []);
    watched.expects = true;
    dog.heard();
    pass(clock, SILENCE_MS - 1);
    assert.deepEqual(silences, []);
    pass(clock, 1);
    assert.deepEqual(silences, [4.5 * SILENCE_MS]);
  });

  it("counts departing bytes as a sign of life", () => {
    const { clock, watched, silences } = watch();
    watched.pending = 1000;
    pass(clock, SILENCE_MS - 1);
    assert.deepEqual(silences, []);
    pass(clock, 1);
    assert.deepEqual(silences, [SILENCE_MS], "they were there all the time");
    const other = watch();
    other.watched.expects = false;
    other.watched.pending = 1000;
    pass(other.clock, SILENCE_MS);
    other.watched.expects = true;
    other.watched.pending = 400;
    pass(other.clock, SILENCE_MS);
    assert.deepEqual(other.silences, [], "some have left");
    pass(other.clock, SILENCE_MS);
    assert.deepEqual(other.silences, [3 * SILENCE_MS]);
  });

  it("stops when it is told to", () => {
    const { clock, dog, silences } = watch();
    dog.stop();
    pass(clock, 2 * SILENCE_MS);
    assert.deepEqual(silences, []);
  });
});
