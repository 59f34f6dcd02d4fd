/** The checker of histories accepts what one path can do, and finds what it can't. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Operation, Result } from "../../scripts/chaos/cluster/history.ts";
import { violationIn } from "../../scripts/chaos/cluster/linearizable.ts";
import { prng } from "../fixture/bytes.ts";
import { runsOf } from "../fixture/short.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Operations, each with its process, and when it began and ended. Their ids are their places. */
function history(...all: readonly [process: number, beganMs: number, endedMs: number, result: Result][]): Operation[] {
  return all.map(([process, beganMs, endedMs, result], id) => ({ id, process, beganMs, endedMs, ...result }));
}

const claimed = (epoch: number, offset: number): Result => ({ kind: "claim", told: { epoch, offset } });
const claiming: Result = { kind: "claim" };
const append = (claim: number, from: number, to: number, outcome: "stored" | "fenced" | "unknown"): Result => {
  return { kind: "append", claim, from, to, outcome };
};
const stored = (claim: number, from: number, to: number): Result => append(claim, from, to, "stored");
const stat = (size: number): Result => ({ kind: "stat", size });
const read = (to: number, outcome: "whole" | "short" = "whole"): Result => ({ kind: "read", to, outcome });

const GOOD: Record<string, Operation[]> = {
  "nothing at all": [],
  "a claim, its appends, and looks at them": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, stat(10)],
    [1, 6, 7, read(10)],
    [0, 8, 9, stored(0, 10, 11)],
    [1, 10, 11, stat(11)],
  ),
  "looks at the size before and after an append that is under way": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 9, stored(0, 0, 10)],
    [1, 3, 4, stat(0)],
    [1, 5, 6, stat(10)],
  ),
  "a look whose answer comes after that to a later append": history(
    [0, 0, 1, claimed(5, 0)],
    [1, 2, 9, stat(10)],
    [0, 3, 4, stored(0, 0, 10)],
    [0, 5, 6, stored(0, 10, 20)],
  ),
  "a takeover that fences the former appender": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, claimed(8, 10)],
    [0, 6, 7, append(0, 10, 12, "fenced")],
    [1, 8, 9, stored(2, 10, 20)],
  ),
  "an append without an answer that the next claim finds stored": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, NEVER, append(0, 0, 10, "unknown")],
    [1, 3, 4, claimed(6, 10)],
  ),
  "an append without an answer that the next claim does not find": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, NEVER, append(0, 0, 10, "unknown")],
    [1, 3, 4, claimed(6, 0)],
    [1, 5, 6, stored(2, 0, 4)],
  ),
  "an append without an answer that is stored later, before the next claim": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, NEVER, append(0, 0, 10, "unknown")],
    [1, 3, 4, stat(0)],
    [1, 5, 6, stat(10)],
    [1, 7, 8, claimed(6, 10)],
  ),
  "a claim without an answer that fences the former appender": history(
    [0, 0, 1, claimed(5, 0)],
    [1, 2, NEVER, claiming],
    [0, 3, 4, stored(0, 0, 10)],
    [0, 5, 6, append(0, 10, 12, "fenced")],
    [1, 7, 8, claimed(9, 10)],
  ),
  "two claims at once": history([0, 0, 9, claimed(5, 0)], [1, 1, 8, claimed(6, 0)], [1, 10, 11, stored(1, 0, 3)]),
  "a read that finds too little before the append": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 9, stored(0, 0, 10)],
    [1, 3, 4, read(10, "short")],
  ),
};

const BAD: Record<string, Operation[]> = {
  "an acknowledged byte that a later claim does not find": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, claimed(8, 0)],
  ),
  "two claims at the same offset whose appends were both acknowledged": history(
    [0, 0, 1, claimed(5, 0)],
    [1, 2, 3, claimed(6, 0)],
    [1, 4, 5, stored(1, 0, 10)],
    [0, 6, 7, stored(0, 0, 10)],
  ),
  "a stale appender whose append is acknowledged after the takeover": history(
    [0, 0, 1, claimed(5, 0)],
    [1, 2, 3, claimed(6, 0)],
    [0, 4, 5, stored(0, 0, 10)],
  ),
  "an epoch that goes back": history([0, 0, 1, claimed(5, 0)], [1, 2, 3, claimed(4, 0)]),
  "an epoch that comes twice": history([0, 0, 1, claimed(5, 0)], [1, 2, 3, claimed(5, 0)]),
  "an appender that is fenced although no other claim came": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, append(0, 0, 10, "fenced")],
  ),
  "an appender that is fenced before the claim that fences it": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, append(0, 0, 10, "fenced")],
    [1, 4, 5, claimed(6, 0)],
  ),
  "a batch that is stored twice": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, claimed(8, 20)],
  ),
  "a size that no append explains": history([0, 0, 1, claimed(5, 0)], [1, 2, 3, stat(1)]),
  "a size that goes back": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, stat(10)],
    [1, 6, 7, stat(0)],
  ),
  "an append without an answer that is seen, and then is not": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, NEVER, append(0, 0, 10, "unknown")],
    [1, 3, 4, stat(10)],
    [1, 5, 6, claimed(6, 0)],
  ),
  "an append without an answer that is stored after the next claim": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, NEVER, append(0, 0, 10, "unknown")],
    [1, 3, 4, claimed(6, 0)],
    [2, 5, 6, stat(10)],
  ),
  "a gap": history([0, 0, 1, claimed(5, 0)], [0, 2, 3, stored(0, 5, 10)]),
  "a read that finds too little long after the append": history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 4, 5, read(10, "short")],
  ),
  "a read of bytes that are not there": history([0, 0, 1, claimed(5, 0)], [1, 2, 3, read(1)]),
};

describe("a history that can be", () => {
  for (const [name, operations] of Object.entries(GOOD)) {
    it(name, () => assert.equal(violationIn(operations), undefined));
  }
});

describe("a history that can't be", () => {
  for (const [name, operations] of Object.entries(BAD)) {
    it(name, () => assert.match(violationIn(operations) ?? "", /^This can't be: process /));
  }
});

describe("looks that may be stale", () => {
  const operations = history(
    [0, 0, 1, claimed(5, 0)],
    [0, 2, 3, stored(0, 0, 10)],
    [1, 500, 501, stat(0)],
    [1, 502, 503, read(10, "short")],
  );

  it("may answer with what was true that long ago", () => {
    assert.equal(violationIn(operations, { staleMs: 1_000 }), undefined);
  });

  it("may not answer with what was true longer ago", () => {
    assert.match(violationIn(operations, { staleMs: 100 }) ?? "", /stat: 0 bytes/);
  });

  it("see what their own process has changed", () => {
    const own = operations.map((operation) => ({ ...operation, process: 0 }));
    assert.match(violationIn(own, { staleMs: 1_000 }) ?? "", /stat: 0 bytes/);
  });

  it("never see what is not there yet", () => {
    const early = history([0, 0, 1, claimed(5, 0)], [1, 2, 3, stat(10)], [0, 4, 5, stored(0, 0, 10)]);
    assert.match(violationIn(early, { staleMs: 1_000 }) ?? "", /stat: 10 bytes/);
  });
});

/** What a path does when operations take effect one by one: each at a moment between its call and its answer. */
function simulated(seed: number, count: number): Operation[] {
  const path = new SimulatedPath(prng(seed));
  for (let at = 10; path.operations.length < count; at += 1 + path.below(5)) path.step(at);
  return path.operations;
}

class SimulatedPath {
  readonly operations: Operation[] = [];
  readonly #random: () => number;
  readonly #holders = new Map<number, { claim: number; offset: number }>();
  #claim = -1;
  #epoch = 0;
  #size = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  /** Adds an operation of one of four processes, which takes effect at `at`. A look that gets no answer is left out. */
  step(at: number): void {
    const process = this.below(4);
    // What is under way at the same time overlaps; a process has one operation at a time.
    const last = this.operations.findLast((operation) => operation.process === process)?.endedMs ?? 0;
    const from = last === NEVER ? at : Math.max(last, at - this.below(12));
    const isAnswered = this.#random() < 0.85;
    const place = { id: this.operations.length, process, beganMs: Math.min(from, at) };
    const timed = { ...place, endedMs: isAnswered ? at + this.#random() : NEVER };
    const takesEffect = isAnswered || this.#random() < 0.5;
    const roll = this.#random();
    const holder = this.#holders.get(process);
    if (!holder || roll < 0.15) this.#claims(timed, isAnswered, takesEffect);
    else if (roll < 0.6) this.#appends(timed, holder, isAnswered, takesEffect);
    else if (isAnswered) this.operations.push({ ...timed, ...(roll < 0.8 ? stat(this.#size) : this.#reads()) });
  }

  #claims(timed: Timed, isAnswered: boolean, takesEffect: boolean): void {
    if (takesEffect) [this.#claim, this.#epoch] = [timed.id, this.#epoch + 1 + this.below(3)];
    this.operations.push({ ...timed, ...(isAnswered ? claimed(this.#epoch, this.#size) : claiming) });
    if (isAnswered) this.#holders.set(timed.process, { claim: timed.id, offset: this.#size });
    else this.#holders.delete(timed.process);
  }

  #appends(timed: Timed, holder: { claim: number; offset: number }, isAnswered: boolean, takesEffect: boolean): void {
    const to = holder.offset + 1 + this.below(9);
    const isNext = holder.claim === this.#claim && holder.offset === this.#size;
    const outcome = !isAnswered ? "unknown" : isNext ? "stored" : "fenced";
    this.operations.push({ ...timed, ...append(holder.claim, holder.offset, to, outcome) });
    if (isNext && takesEffect) this.#size = to;
    if (outcome === "stored") holder.offset = to;
    else this.#holders.delete(timed.process);
  }

  #reads(): ReturnType<typeof read> {
    const to = 1 + this.below(this.#size + 5);
    return read(to, to <= this.#size ? "whole" : "short");
  }
}

/** Which operation it is, of which process, and when. */
type Timed = Pick<Operation, "id" | "process" | "beganMs" | "endedMs">;

describe("simulated histories", () => {
  it("are accepted", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 150 }), (seed, count) => {
        assert.equal(violationIn(simulated(seed, count)), undefined);
      }),
      { numRuns: runsOf(300) },
    );
  });

  it("are refused when a size in them is one that the path never had", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 20, max: 100 }), fc.nat(), (seed, count, which) => {
        const operations = simulated(seed, count);
        const looks = operations.filter(({ kind }) => kind === "stat");
        const chosen = looks[which % Math.max(1, looks.length)];
        const changed = operations.map((operation): Operation => {
          if (operation !== chosen || operation.kind !== "stat") return operation;
          return { ...operation, size: operation.size + 1_000_000 };
        });
        assert.equal(violationIn(changed) === undefined, chosen === undefined);
      }),
      { numRuns: runsOf(100) },
    );
  });

  it("are refused when an acknowledged append is left out of what is stored", () => {
    let found = 0;
    for (let seed = 0; seed < 200; seed++) {
      const operations = simulated(seed, 60);
      const lost = operations.find((operation) => operation.kind === "append" && operation.outcome === "stored");
      if (lost?.kind !== "append") continue;
      // A later claim begins as if it had never been stored.
      const by = lost.to - lost.from;
      const later = operations.find(
        (operation) => operation.kind === "claim" && operation.told && operation.beganMs >= lost.endedMs,
      );
      if (later?.kind !== "claim" || !later.told || later.told.offset - by >= lost.to) continue;
      const told = { ...later.told, offset: later.told.offset - by };
      const without = operations.map((operation) => (operation === later ? { ...later, told } : operation));
      found++;
      assert.notEqual(violationIn(without), undefined, `the seed ${seed}`);
    }
    assert.ok(found > 20, `only ${found} histories could be changed`);
  });
});
