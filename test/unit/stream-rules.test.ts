/** The rules of streams: what becomes of an append, given the state of its stream. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LineTail } from "../../src/engine/append/json-scanner.ts";
import { type CreateSpec, isSameFile, isSameStream, newState } from "../../src/engine/durable/creation.ts";
import { type AppendSpec, judgeAppend, type Verdict } from "../../src/engine/durable/judge.ts";
import { changedState, type StreamState } from "../../src/engine/storage/stream-state.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";

const TEXT = "text/plain";
const OPEN: StreamState = { created: true, type: TEXT, producers: { p: { epoch: 2, seq: 5 } }, seq: "m" };
const CLOSED: StreamState = { ...OPEN, closed: { by: { id: "p", epoch: 2, seq: 5 } } };

function ask(more: Partial<AppendSpec> = {}): AppendSpec {
  const bytes = Buffer.from("x");
  return { bytes, type: TEXT, expected: undefined, closes: false, seq: undefined, producer: undefined, ...more };
}

function by(id: string, epoch: number, seq: number): Partial<AppendSpec> {
  return { producer: { id, epoch, seq } };
}

function judged(state: StreamState | undefined, asked: AppendSpec, tail: LineTail = "blank"): Verdict {
  return judgeAppend({ path: "a", size: 7, state, tail }, asked);
}

/** Expects a refusal, and returns its headers. */
function refused(
  code: ErrorCode,
  state: StreamState | undefined,
  asked: AppendSpec,
  tail?: LineTail,
): Readonly<Record<string, string>> {
  let headers: Readonly<Record<string, string>> = {};
  assert.throws(
    () => judged(state, asked, tail),
    (error) => {
      assert.ok(error instanceof StreamError);
      assert.equal(error.code, code, error.message);
      if (code !== "not_json") assert.equal(error.path, "a");
      ({ headers } = error);
      return true;
    },
  );
  return headers;
}

describe("the rules of an append", () => {
  it("stores the bytes, with what they change", () => {
    const { batch, closed } = judged(OPEN, ask({ ...by("q", 0, 0), seq: "n", closes: true }));
    assert.equal(String(batch?.bytes), "x");
    const producer = { id: "q", epoch: 0, seq: 0 };
    assert.deepEqual(batch?.change, {
      seq: "n",
      producers: { q: { epoch: 0, seq: 0, at: 8 } },
      closed: { by: producer },
    });
    assert.equal(closed, true);
  });

  it("leaves a plain file without a record, unless there is something to record", () => {
    assert.deepEqual(Object.keys(judged(undefined, ask()).batch ?? {}), ["bytes"]);
    assert.deepEqual(judged(undefined, ask({ seq: "a" })).batch?.change, { seq: "a" });
    assert.ok(judged(undefined, ask(by("p", 0, 0))).batch?.change?.producers);
  });

  it("is noted for a stream even if it changes nothing but its bytes", () => {
    assert.deepEqual(judged(OPEN, ask()).batch?.change, {});
  });

  it("that only closes needs no type, and no JSON", () => {
    const closing = ask({ bytes: Buffer.alloc(0), closes: true, type: undefined });
    assert.deepEqual(judged(OPEN, closing).batch?.change, { closed: {} });
    const { batch } = judged({ ...OPEN, type: "application/json" }, closing);
    assert.deepEqual([batch?.bytes.length, batch?.change], [0, { closed: {} }]);
  });

  it("ends the last line of a stream of JSON, and does not go on with the beginning of a message", () => {
    const json: StreamState = { ...OPEN, type: "application/json" };
    const one = ask({ bytes: Buffer.from("[1, 2]"), type: "application/json" });
    const closing = ask({ bytes: Buffer.alloc(0), closes: true });
    const stored = (asked: AppendSpec, tail: LineTail): string =>
      String(Buffer.from(judged(json, asked, tail).batch?.bytes ?? ""));
    assert.equal(stored(one, "blank"), "1\n2\n");
    assert.equal(stored(one, "value"), "\n1\n2\n");
    assert.equal(stored(closing, "value"), "\n");
    assert.equal(stored(ask({ bytes: Buffer.alloc(0), ...by("q", 0, 0) }), "value"), "");
    assert.equal(stored(closing, "unfinished"), "");
    refused("mismatch", json, one, "unfinished");
  });

  it("numbers each producer from 0, and knows what is repeated", () => {
    assert.equal(judged(OPEN, ask(by("p", 2, 6))).producer?.seq, 6);
    for (const seq of [0, 4, 5]) {
      assert.deepEqual(judged(OPEN, ask(by("p", 2, seq))), {
        batch: undefined,
        producer: { epoch: 2, seq: 5 },
        closed: false,
      });
    }
    const gap = { "Producer-Expected-Seq": "6", "Producer-Received-Seq": "8" };
    assert.deepEqual(refused("sequence", OPEN, ask(by("p", 2, 8))), gap);
    assert.equal(refused("sequence", OPEN, ask(by("new", 9, 1)))["Producer-Expected-Seq"], "0");
    assert.ok(judged(OPEN, ask(by("new", 9, 0))).batch);
  });

  it("knows no producer by the names of an object's own members", () => {
    for (const id of ["__proto__", "constructor", "toString"]) {
      const { batch } = judged(OPEN, ask(by(id, 0, 0)));
      const state = changedState(OPEN, batch?.change ?? {});
      assert.equal(judged(state, ask(by(id, 0, 0))).batch, undefined, id);
      assert.ok(judged(JSON.parse(JSON.stringify(state)) as StreamState, ask(by(id, 0, 1))).batch, id);
    }
  });

  it("lets a producer begin a new epoch with 0 only, and refuses an older one", () => {
    assert.ok(judged(OPEN, ask(by("p", 3, 0))).batch);
    refused("bad_request", OPEN, ask(by("p", 3, 1)));
    assert.equal(refused("stale_epoch", OPEN, ask(by("p", 1, 6)))["Producer-Epoch"], "2");
  });

  it("lets Stream-Seq grow bytewise only", () => {
    for (const seq of ["m", "a", "", "B", "10"]) refused("sequence", OPEN, ask({ seq }));
    for (const seq of ["n", "ma", "z"]) assert.ok(judged(OPEN, ask({ seq })).batch, seq);
  });

  it("stores a repetition nowhere, even if its Stream-Seq would be refused", () => {
    assert.equal(judged(OPEN, ask({ ...by("p", 2, 5), seq: "a" })).batch, undefined);
  });

  it("refuses everything on a closed stream but what has closed it", () => {
    assert.equal(judged(CLOSED, ask({ ...by("p", 2, 5), closes: true })).closed, true);
    assert.equal(judged(CLOSED, ask({ bytes: Buffer.alloc(0), closes: true })).batch, undefined);
    const headers = refused("closed", CLOSED, ask());
    assert.deepEqual(headers, { "Stream-Closed": "true", "Stream-Next-Offset": "0000000000000007" });
    refused("closed", CLOSED, ask({ type: "image/png" }));
    refused("closed", CLOSED, ask({ ...by("q", 0, 0), bytes: Buffer.alloc(0), closes: true }));
    for (const stamp of [by("q", 2, 5), by("p", 1, 5), by("p", 2, 4)]) refused("closed", CLOSED, ask(stamp));
    refused("closed", CLOSED, ask({ closes: true }));
    refused("closed", CLOSED, ask({ bytes: Buffer.alloc(0) }));
    refused("closed", { ...OPEN, closed: {} }, ask(by("p", 2, 5)));
  });

  it("checks in the order of the protocol: closed, type, producer, Stream-Seq, JSON", () => {
    const json: StreamState = { ...OPEN, type: "application/json" };
    const bad = { bytes: Buffer.from("{"), type: "application/json" };
    refused("mismatch", json, ask({ ...bad, type: TEXT, ...by("p", 1, 0), seq: "a" }));
    refused("stale_epoch", json, ask({ ...bad, ...by("p", 1, 0), seq: "a" }));
    refused("sequence", json, ask({ ...bad, ...by("p", 2, 6), seq: "a" }));
    refused("not_json", json, ask({ ...bad, ...by("p", 2, 6), seq: "z" }));
    refused("not_json", json, ask({ ...bad, bytes: Buffer.from("[]") }));
    assert.throws(() => judged(json, ask({ ...bad, bytes: Buffer.from("[]") })), { path: "a" });
  });

  it("compares types without their parameters and in any case", () => {
    assert.ok(judged(OPEN, ask({ type: "Text/PLAIN; charset=utf-8" })).batch);
    refused("mismatch", OPEN, ask({ type: "text/html" }));
    assert.throws(() => judged(OPEN, ask({ type: "text/html" })), /has the type text\/plain, not text\/html\./);
    assert.throws(() => judged(OPEN, ask({ type: undefined })), /not \(none\)\./);
    refused("mismatch", undefined, ask({ type: "text/html", expected: "text/plain; charset=utf-8" }));
  });
});

describe("the creation of a stream", () => {
  const wanted: CreateSpec = {
    ...{ type: TEXT, plainType: undefined, lifetime: {}, closes: false, bytes: Buffer.alloc(0), fork: undefined },
  };

  it("meets the same stream", () => {
    const state = newState(wanted);
    assert.ok(isSameStream(state, { ...wanted, type: "TEXT/plain;charset=utf-8", bytes: Buffer.from("ignored") }));
    for (const other of [
      { type: "text/html" },
      { closes: true },
      { lifetime: { ttlSeconds: 1 } },
      { type: undefined },
    ]) {
      assert.equal(isSameStream(state, { ...wanted, ...other }), false, JSON.stringify(other));
    }
    assert.ok(isSameStream(newState({ ...wanted, type: undefined }), { ...wanted, type: "application/octet-stream" }));
  });

  it("compares what was asked for, and not what a fork has inherited", () => {
    const source: StreamState = { created: true, type: TEXT, ttlSeconds: 60, producers: {} };
    const fork = { source: "s", offset: undefined, sub: 0 };
    const state = newState({ ...wanted, type: undefined, fork }, source, { source: "s", offset: 4, sub: 0 });
    assert.deepEqual([state.type, state.ttlSeconds], [TEXT, 60]);
    assert.ok(isSameStream(state, { ...wanted, type: undefined, fork }));
    assert.ok(isSameStream(state, { ...wanted, fork: { ...fork, offset: 4 } }));
    assert.equal(isSameStream(state, { ...wanted, fork: { ...fork, offset: 3 } }), false);
    assert.equal(isSameStream(state, { ...wanted, fork, lifetime: { ttlSeconds: 60 } }), false);
    assert.equal(isSameStream(state, wanted), false);
    assert.equal(isSameStream(state, { ...wanted, fork, type: "text/html" }), false);
    assert.equal(isSameStream(state, { ...wanted, fork: { ...fork, sub: 1 } }), false);
    assert.equal(isSameStream(state, { ...wanted, fork: { ...fork, source: "t" } }), false);
  });

  it("meets the same lifetime and the same end", () => {
    const state = newState({ ...wanted, lifetime: { expiresAt: "2100-01-01T00:00:00Z" }, closes: true });
    assert.deepEqual(state, {
      ...{ created: true, producers: {}, type: TEXT, expiresAt: "2100-01-01T00:00:00Z", closed: {} },
    });
    assert.ok(isSameStream(state, { ...wanted, lifetime: { expiresAt: "2100-01-01T00:00:00Z" }, closes: true }));
    assert.equal(isSameStream(state, { ...wanted, closes: true }), false);
    assert.equal(isSameStream(state, { ...wanted, lifetime: { expiresAt: "2100-01-01T00:00:00Z" } }), false);
    assert.deepEqual(newState({ ...wanted, type: undefined }), { created: true, producers: {} });
  });

  it("takes a plain file for a stream only if nothing more is asked for", () => {
    const plain = { ...wanted, plainType: "text/plain; charset=utf-8" };
    assert.ok(isSameFile(plain));
    assert.ok(isSameFile(wanted));
    for (const other of [
      { type: "text/html" },
      { type: undefined },
      { closes: true },
      { lifetime: { ttlSeconds: 1 } },
      { lifetime: { expiresAt: "2100-01-01T00:00:00Z" } },
      { fork: { source: "s", offset: undefined, sub: 0 } },
    ]) {
      assert.equal(isSameFile({ ...plain, ...other }), false, JSON.stringify(other));
    }
  });
});
