/** Appends of many clients that are judged one after the other, and stored together. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AppendSpec, judgeAppend } from "../../src/engine/durable/judge.ts";
import { Merged } from "../../src/engine/durable/merged.ts";
import type { StreamState } from "../../src/engine/storage/stream-state.ts";
import { StreamError } from "../../src/protocol/errors.ts";

const TEXT = "text/plain";
const OPEN: StreamState = { created: true, type: TEXT, producers: { p: { epoch: 2, seq: 5 } }, seq: "m" };

function ask(more: Partial<AppendSpec> = {}): AppendSpec {
  const bytes = Buffer.from("x");
  return { bytes, type: TEXT, expected: undefined, closes: false, seq: undefined, producer: undefined, ...more };
}

function by(id: string, epoch: number, seq: number): Partial<AppendSpec> {
  return { producer: { id, epoch, seq } };
}

describe("several appends at once", () => {
  it("are judged one after the other, and stored together", () => {
    const merged = new Merged({ size: 7, state: OPEN, generation: "g", tail: "blank" });
    const answers: string[] = [];
    for (const [name, asked] of Object.entries({
      first: ask(by("q", 0, 0)),
      second: ask(by("q", 0, 1)),
      repeated: ask(by("q", 0, 1)),
      gap: ask(by("q", 0, 5)),
      last: ask({ bytes: Buffer.from("yz"), closes: true }),
      late: ask(),
    })) {
      merged.add({
        untilMs: 0,
        terms: {},
        bytes: asked.bytes.length,
        decide: ({ size, state }) => {
          const { batch } = judgeAppend({ path: "a", size, state, tail: "blank" }, asked);
          return { batch, settled: (offset) => answers.push(`${name} ${offset}`) };
        },
        failed: (error) => answers.push(`${name} ${StreamError.from(error).code}`),
      });
    }
    assert.deepEqual(answers, []);
    const batch = merged.batch();
    assert.equal(Buffer.from(batch?.bytes ?? []).toString(), "xxyz");
    // A copy has the usual prototype. The change itself has none, so that a producer may have any name.
    assert.deepEqual(structuredClone(batch?.change), { producers: { q: { epoch: 0, seq: 1, at: 9 } }, closed: {} });
    merged.settle();
    assert.deepEqual(answers, ["first 8", "second 9", "repeated 9", "gap sequence", "last 11", "late closed"]);
  });
});

describe("appends that are stored together", () => {
  function merging(state: StreamState | undefined, ...asks: readonly AppendSpec[]) {
    const merged = new Merged({ size: 7, state, generation: "g", tail: "blank" });
    const answers: string[] = [];
    for (const asked of asks) {
      merged.add({
        ...{ untilMs: 0, terms: {}, bytes: asked.bytes.length },
        decide: (present) => {
          const { batch } = judgeAppend({ path: "a", ...present }, asked);
          return { batch, settled: (offset, generation) => answers.push(`${offset} ${generation}`) };
        },
        failed: (error) => answers.push(StreamError.from(error).code),
      });
    }
    return { merged, answers };
  }

  it("are all refused if they can't be stored", () => {
    const { merged, answers } = merging(OPEN, ask(), ask(by("q", 0, 5)));
    merged.fail(new RangeError("The disk is gone."));
    assert.deepEqual(answers, ["storage", "storage"]);
  });

  it("need no batch if nothing changes", () => {
    const { merged, answers } = merging(OPEN, ask(by("p", 2, 5)), ask(by("p", 2, 4)));
    assert.equal(merged.batch(), undefined);
    merged.settle();
    assert.deepEqual(answers, ["7 g", "7 g"]);
  });

  it("need one for a change, or for bytes", () => {
    const closing = merging(OPEN, ask({ bytes: Buffer.alloc(0), closes: true })).merged.batch();
    assert.deepEqual([closing?.bytes.length, structuredClone(closing?.change)], [0, { producers: {}, closed: {} }]);
    const plain = merging(undefined, ask(), ask());
    const batch = plain.merged.batch();
    assert.deepEqual([String(Buffer.from(batch?.bytes ?? "")), batch?.change], ["xx", undefined]);
    plain.merged.settle();
    assert.deepEqual(plain.answers, ["8 g", "9 g"]);
  });

  it("are judged by what was known before and by what they change, also on a plain file", () => {
    const known = merging(OPEN, ask(by("q", 0, 0)), ask(by("p", 2, 6)), ask({ seq: "l" }), ask({ type: "a/b" }));
    known.merged.settle();
    assert.deepEqual(known.answers, ["8 g", "9 g", "sequence", "mismatch"]);
    const plain = merging(undefined, ask(by("q", 0, 0)), ask(by("q", 0, 0)), ask({ seq: "b" }), ask({ seq: "a" }));
    plain.merged.settle();
    assert.deepEqual(plain.answers, ["8 g", "8 g", "9 g", "sequence"]);
    assert.equal(OPEN.producers["q"], undefined);
  });

  it("of messages begin behind the line that the first one has ended", () => {
    const json: StreamState = { ...OPEN, type: "application/json" };
    const merged = new Merged({ size: 7, state: json, generation: "g", tail: "value" });
    const bodies = ["", "1", "2"].map((text) => Buffer.from(text));
    for (const bytes of bodies) {
      const asked = ask({ bytes, type: "application/json" });
      const decide: Parameters<Merged["add"]>[0]["decide"] = (present) => {
        return { batch: judgeAppend({ path: "a", ...present }, asked).batch, settled: () => {} };
      };
      merged.add({ untilMs: 0, terms: {}, bytes: bytes.length, failed: assert.fail, decide });
    }
    assert.equal(String(Buffer.from(merged.batch()?.bytes ?? "")), "\n1\n2\n");
  });
});
