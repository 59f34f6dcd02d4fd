/** The lines of a stream's log, and what they mean for the file. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { StreamState } from "../../src/engine/storage/stream-state.ts";
import { judgeLog } from "../../src/stores/file/streams/judge-log.ts";
import {
  type BaseLine,
  digestOf,
  formatLine,
  isHeadOf,
  type LoggedStream,
  type LogLine,
  type NoteLine,
  noteOf,
  parseLine,
  parseLog,
} from "../../src/stores/file/streams/log-lines.ts";

const STATE: StreamState = { created: true, type: "text/plain", producers: { p: { epoch: 0, seq: 0 } } };
const BASE: BaseLine = { file: "a.txt", generation: "g", number: 3, state: STATE };
const HEAD_BYTES = 48;

function note(number: number, from: number, text: string, change: NoteLine["change"] = {}): NoteLine {
  return noteOf({ file: "a.txt", generation: "g", number }, from, Buffer.from(text), change);
}

function log(...lines: readonly LogLine[]): string {
  return lines.map(formatLine).join("");
}

describe("a line of a log", () => {
  it("reads as it was written", () => {
    for (const line of [BASE, note(4, 5, "bytes"), { void: true, number: 4 }] as const) {
      const text = formatLine(line);
      assert.match(text, /^[0-9a-f]{8} \{.*\}\n$/);
      assert.deepEqual(parseLine(text.trimEnd()), line);
    }
  });

  it("that is torn reads as none", () => {
    const text = formatLine(BASE).trimEnd();
    for (let length = 0; length < text.length; length++) assert.equal(parseLine(text.slice(0, length)), undefined);
    assert.equal(parseLine(text.replace("a.txt", "b.txt")), undefined);
    const [check = ""] = createHash("sha256").update("{").digest("hex").match(/^.{8}/) ?? [];
    assert.equal(parseLine(`${check} {`), undefined);
    const [empty = ""] = createHash("sha256").update("").digest("hex").match(/^.{8}/) ?? [];
    assert.equal(parseLine(`${empty} `), undefined);
  });
});

describe("the note of a write", () => {
  it("says which bytes it is about", () => {
    const made = note(4, 10, "hello", { seq: "1" });
    assert.deepEqual([made.from, made.to, made.number, made.change], [10, 15, 4, { seq: "1" }]);
    assert.equal(made.digest, digestOf(Buffer.from("hello")));
    assert.notEqual(made.digest, digestOf(Buffer.from("hellO")));
    assert.match(made.digest, /^[0-9a-f]{32}$/);
    assert.equal(Buffer.from(note(1, 0, "x".repeat(100)).head, "base64").length, HEAD_BYTES);
  });

  it("knows the beginning of its bytes, as far as it has them", () => {
    const long = note(4, 0, "x".repeat(60));
    assert.ok(isHeadOf(note(4, 0, "hello"), Buffer.from("hel")));
    assert.ok(isHeadOf(note(4, 0, "hello"), Buffer.from("")));
    assert.ok(!isHeadOf(note(4, 0, "hello"), Buffer.from("help")));
    assert.ok(isHeadOf(long, Buffer.from(`${"x".repeat(HEAD_BYTES)}other`)));
    assert.ok(!isHeadOf(long, Buffer.from(`${"x".repeat(HEAD_BYTES - 1)}y`)));
  });
});

describe("a log", () => {
  it("of nothing says nothing", () => {
    for (const text of ["", "\n", "torn\n", formatLine({ void: true, number: 1 })]) {
      assert.equal(parseLog(text, "a.txt"), undefined, text);
    }
    assert.equal(parseLog(log(BASE), "b.txt"), undefined);
  });

  it("is its state and what was written last, whose bytes may be missing", () => {
    const one = note(4, 0, "one", { seq: "1" });
    const two = note(5, 3, "two", { producers: { q: { epoch: 1, seq: 0 } } });
    assert.deepEqual(parseLog(log(BASE), "a.txt"), {
      ...{ file: "a.txt", generation: "g", number: 3, state: STATE, last: undefined },
      lines: [formatLine(BASE).trimEnd()],
    });
    const first = parseLog(log(BASE, one), "a.txt");
    assert.deepEqual([first?.number, first?.state, first?.last, first?.lines.length], [4, STATE, one, 2]);
    const both = parseLog(log(BASE, one, two), "a.txt");
    assert.deepEqual([both?.number, both?.state, both?.last], [5, { ...STATE, seq: "1" }, two]);
    const created = parseLog(log(one, two), "a.txt");
    assert.deepEqual(created?.state, { created: false, producers: {}, seq: "1" });
    assert.deepEqual(parseLog(log(one), "a.txt")?.last, one);
    assert.equal(parseLog(log(one), "a.txt")?.state, undefined);
  });

  it("forgets a write whose place another one has taken", () => {
    const failed = note(4, 0, "failed", { seq: "1" });
    for (const from of [0, 5]) {
      const again = note(5, from, "again");
      const logged = parseLog(log(BASE, failed, again), "a.txt");
      assert.deepEqual([logged?.state, logged?.last], [STATE, again]);
    }
  });

  it("forgets a write that was taken back", () => {
    const failed = note(4, 0, "failed", { seq: "1" });
    const back = parseLog(log(BASE, failed, { void: true, number: 4 }), "a.txt");
    assert.deepEqual([back?.state, back?.last, back?.number, back?.lines.length], [STATE, undefined, 4, 3]);
    const other = parseLog(log(BASE, failed, { void: true, number: 5 }), "a.txt");
    assert.deepEqual([other?.last, other?.number], [failed, 5]);
    assert.equal(parseLog(log(failed, { void: true, number: 4 }), "a.txt"), undefined);
    assert.deepEqual(parseLog(log(BASE, { void: true, number: 4 }), "a.txt")?.state, STATE);
    assert.deepEqual(parseLog(log({ void: true, number: 4 }, BASE), "a.txt")?.state, STATE);
  });

  it("begins anew with each state", () => {
    const later: BaseLine = { ...BASE, generation: "h", number: 9, state: { created: true, producers: {} } };
    const logged = parseLog(log(BASE, note(4, 0, "x", { seq: "1" }), later), "a.txt");
    assert.deepEqual(
      [logged?.generation, logged?.number, logged?.state, logged?.last],
      ["h", 9, later.state, undefined],
    );
  });

  it("ends at a line that is torn, or of another file", () => {
    const lines = log(BASE, note(4, 0, "one"));
    for (const bad of ["torn\n", "\n", formatLine({ ...BASE, file: "b.txt" })]) {
      const logged = parseLog(lines + bad + log(note(5, 3, "two")), "a.txt");
      assert.deepEqual([logged?.number, logged?.lines.length], [4, 2], bad);
    }
  });
});

describe("a log means for its file", () => {
  const logged: LoggedStream = { ...BASE, last: undefined, lines: [] };
  const writing: LoggedStream = { ...logged, last: note(4, 3, "four", { seq: "1" }) };

  it("what is stored, if the bytes of the last write are there", () => {
    const after = { ...STATE, seq: "1" };
    assert.deepEqual(judgeLog(writing, 7, "g"), { state: after, size: 7 });
    assert.deepEqual(judgeLog(writing, 9, "g"), { state: after, size: 9 });
    assert.deepEqual(judgeLog(logged, 9, "g"), { state: STATE, size: 9 });
  });

  it("what was there before, if they are not, or not all of them", () => {
    for (const [size, seen] of [
      [6, 3],
      [4, 3],
      [3, 3],
      [1, 1],
    ] as const) {
      assert.deepEqual(judgeLog(writing, size, "g"), { state: STATE, size: seen });
    }
    const created: LoggedStream = { ...writing, state: undefined };
    assert.deepEqual(judgeLog(created, 4, "g"), { state: undefined, size: 3 });
    assert.deepEqual(judgeLog(created, 7, "g").state, { created: false, producers: {}, seq: "1" });
  });

  it("only its type and its creation, if the file has other content", () => {
    const full: StreamState = { ...STATE, closed: {}, seq: "1", ttlSeconds: 3 };
    const other = (state: StreamState | undefined) => judgeLog({ ...writing, state }, 5, "other");
    assert.deepEqual(other(full), { state: { created: true, type: "text/plain", producers: {} }, size: 5 });
    assert.deepEqual(other({ created: false, producers: {} }).state, { created: false, producers: {} });
    assert.deepEqual(other({ ...full, incomplete: true }), { state: undefined, size: 5 });
    assert.deepEqual(other(undefined), { state: undefined, size: 5 });
  });

  it("nothing, if it is a tombstone", () => {
    const tombstone = { ...writing, state: { created: true, producers: {}, deleted: true } };
    assert.deepEqual(judgeLog(tombstone, 5, "g"), { state: undefined, size: 5 });
  });
});
