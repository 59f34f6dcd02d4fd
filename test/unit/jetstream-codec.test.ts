/** Records of the store on JetStream: as headers, their order, and their notes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headers, MsgHdrsImpl } from "@nats-io/transport-node";
import fc from "fast-check";
import { END_REASONS } from "../../src/protocol/end-reason.ts";
import { headersOf, recordOf } from "../../src/stores/jetstream/records/codec.ts";
import { decodedNote, encodedNote, noteFor, withNote } from "../../src/stores/jetstream/records/note.ts";
import {
  claimOf,
  dataBytesOf,
  endedOf,
  endOf,
  firstOf,
  notesOf,
  type PathRecord,
  type RecordFields,
} from "../../src/stores/jetstream/records/record.ts";

const FIELDS: RecordFields = {
  ...{ type: "d", offset: 0, predecessor: 0, claim: 0, node: "n", id: "i", generation: "g", first: 0, modifiedMs: 1 },
};

/** Objects as the program makes them. */
function plain<T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(members, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const token = fc.stringMatching(/^[\w-]{1,16}$/);
const fields = fc.record(
  {
    type: fc.constantFrom("o", "d", "w", "c", "x", "f"),
    ...{ offset: count, predecessor: count, claim: count, first: count, modifiedMs: count },
    ...{ node: token, id: token, generation: token, reservedFor: token },
    reason: fc.constantFrom(...END_REASONS, "restarting"),
    endedBefore: fc.constantFrom(...END_REASONS),
    ...{ isKept: fc.boolean(), isIncomplete: fc.boolean(), isFullNote: fc.boolean(), isProvisional: fc.boolean() },
    noteBytes: fc.nat({ max: 100 }),
    notes: plain({ full: count, last: fc.nat({ max: 2 ** 40 }).map((seq) => seq + 1), changes: count }),
    parts: plain({
      id: token,
      partBytes: fc.integer({ min: 1, max: 2 ** 18 }),
      bytes: fc.integer({ min: 100, max: 2 ** 24 }),
    }),
  },
  {
    requiredKeys: [
      ...(["type", "offset", "predecessor", "claim", "first", "modifiedMs", "node", "id", "generation"] as const),
      ...(["isKept", "isIncomplete", "isFullNote", "isProvisional", "noteBytes"] as const),
    ],
  },
);

function record(own: Partial<PathRecord> = {}): PathRecord {
  return { ...FIELDS, seq: 10, payloadBytes: 0, ...own };
}

describe("the headers of a record", () => {
  it("say all of it again, also when they were sent", () => {
    fc.assert(
      fc.property(fields, count, (given, seq) => {
        const sent = MsgHdrsImpl.decode((headersOf(given as RecordFields) as MsgHdrsImpl).encode());
        const back = recordOf(sent, seq, 100);
        const whole = { reason: undefined, endedBefore: undefined, parts: undefined, reservedFor: undefined };
        assert.deepEqual({ ...back }, { ...whole, ...given, seq, payloadBytes: 100 });
      }),
    );
  });

  it("are few for an ordinary batch", () => {
    const own = {
      offset: 123_456_789,
      predecessor: 1_234_567,
      claim: 1_234_000,
      first: 1_000_000,
      node: "YQ3kd0pL_a1x",
    };
    const more = { id: "abcdefghijkl", generation: "0123456789abcdef", modifiedMs: 1_800_000_000_000 };
    const encoded = (headersOf({ ...FIELDS, ...own, ...more }) as MsgHdrsImpl).encode();
    assert.ok(encoded.length < 160, `${encoded.length} bytes`);
  });

  it("of other messages are no record", () => {
    const wrong: Record<string, string>[] = [
      {},
      { T: "z", I: "i" },
      { T: "d" },
      { T: "d", I: "i", Off: "-1" },
      { T: "d", I: "i", P: "x" },
      { T: "d", I: "i", Np: "1,2" },
      { T: "d", I: "i", B: "id,0,5" },
      { T: "d", I: "i", Nb: "5" },
    ];
    for (const values of wrong) {
      const own = headers();
      for (const [name, value] of Object.entries(values)) own.set(name, value);
      assert.equal(recordOf(own, 1, 4), undefined, JSON.stringify(values));
    }
    assert.equal(recordOf(undefined, 1, 0), undefined);
  });
});

describe("a record", () => {
  it("has the bytes of its payload, or of its parts, without its note", () => {
    assert.equal(dataBytesOf(record({ payloadBytes: 10, noteBytes: 4 })), 6);
    assert.equal(endOf(record({ offset: 5, payloadBytes: 10 })), 15);
    assert.equal(dataBytesOf(record({ parts: { id: "p", partBytes: 64, bytes: 100 }, noteBytes: 40 })), 60);
  });

  it("belongs to a claim and to a content, which may begin with it", () => {
    assert.equal(claimOf(record({ type: "o", claim: 0 })), 10);
    assert.equal(claimOf(record({ claim: 7 })), 7);
    assert.equal(firstOf(record({ first: 0 })), 10);
    assert.equal(firstOf(record({ first: 3 })), 3);
  });

  it("says how the append has ended, if it is the last one", () => {
    assert.equal(endedOf(record({ type: "o" })), "unknown");
    assert.equal(endedOf(record({ type: "o", endedBefore: "complete" })), "complete");
    assert.equal(endedOf(record({ type: "d", endedBefore: "complete" })), "lost");
    assert.equal(endedOf(record({ type: "w", reason: "complete" })), "complete");
    assert.equal(endedOf(record({ type: "c", reason: "restarting" })), "lost");
    assert.equal(endedOf(record({ type: "c", endedBefore: "limit" })), "limit");
  });

  it("points to the notes before it, and to its own", () => {
    const notes = { full: 2, last: 4, changes: 1 };
    assert.deepEqual(notesOf(record({ notes })), notes);
    assert.deepEqual(notesOf(record({ notes, noteBytes: 1 })), { full: 2, last: 10, changes: 2 });
    assert.deepEqual(notesOf(record({ notes, noteBytes: 1, isFullNote: true })), { full: 10, last: 10, changes: 0 });
    assert.deepEqual(notesOf(record()), { full: 0, last: 0, changes: 0 });
  });
});

describe("a note", () => {
  const state = { type: "text/plain", stream: { created: true, producers: { p: { epoch: 0, seq: 1 } } } };

  it("is read as it was written", () => {
    for (const note of [{ all: state }, { all: { type: undefined, stream: undefined } }, { change: { seq: "ü" } }]) {
      assert.deepEqual(decodedNote(encodedNote(note), "all" in note), note);
    }
  });

  it("that is none is not read", () => {
    assert.equal(decodedNote(new Uint8Array([123]), true), undefined);
    assert.equal(decodedNote(encodedNote({ change: {} }), true), undefined);
    assert.equal(decodedNote(encodedNote({ all: state }), false), undefined);
  });

  it("has all of the state at first, and again after many changes", () => {
    const change = { seq: "2" };
    const after = { ...state, stream: { ...state.stream, seq: "2" } };
    assert.deepEqual(noteFor(state, change, undefined), { all: after });
    assert.deepEqual(noteFor(state, change, 0), { change });
    assert.deepEqual(noteFor(state, change, 32), { all: after });
    assert.deepEqual(withNote(state, { change }), after);
  });
});
