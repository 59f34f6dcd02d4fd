import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseControl } from "../../src/protocol/control.ts";
import { StreamError } from "../../src/protocol/errors.ts";

const parse = (text: string): unknown => parseControl(Buffer.from(text));

describe("a control message", () => {
  it("is parsed", () => {
    assert.deepEqual(parse('{"type":"start","offset":7,"session":"s","window":9}'), {
      type: "start",
      offset: 7,
      session: "s",
      window: 9,
    });
    assert.deepEqual(parse('{"type":"start","offset":0}'), { type: "start", offset: 0 });
    assert.deepEqual(parse('{"type":"ack","offset":1}'), { type: "ack", offset: 1 });
    assert.deepEqual(parse('{"type":"heartbeat","offset":1}'), { type: "heartbeat", offset: 1 });
    assert.deepEqual(parse('{"type":"end","offset":1,"reason":"lost"}'), { type: "end", offset: 1, reason: "lost" });
  });

  it("may have unknown fields, types and reasons", () => {
    assert.deepEqual(parse('{"type":"ack","offset":1,"more":[]}'), { type: "ack", offset: 1 });
    assert.equal(parse('{"type":"weather","is":"fine"}'), undefined);
    assert.equal(parse("{}"), undefined);
    assert.deepEqual(parse('{"type":"end","offset":1,"reason":"bored"}'), {
      type: "end",
      offset: 1,
      reason: "unknown",
    });
    assert.deepEqual(parse('{"type":"end","offset":1}'), { type: "end", offset: 1, reason: "unknown" });
  });

  it("must be JSON with valid fields", () => {
    const wrong = [
      "",
      "no JSON",
      "null",
      "7",
      '{"type":"ack"}',
      '{"type":"ack","offset":-1}',
      '{"type":"ack","offset":"1"}',
    ];
    wrong.push(
      '{"type":"ack","offset":1.5}',
      '{"type":"start","offset":0,"window":-1}',
      '{"type":"end","offset":1e300}',
    );
    for (const text of wrong) {
      assert.throws(
        () => parse(text),
        (error) => error instanceof StreamError && error.code === "protocol",
        text,
      );
    }
    assert.throws(() => parseControl(Uint8Array.of(0xff)), StreamError);
  });
});
