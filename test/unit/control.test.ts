/** The control messages of `httpfstream.v1`, as both ends parse them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  controlType,
  END_MESSAGE,
  encodeControl,
  parseControl,
  type ServerControl,
} from "../../src/protocol/control.ts";
import { rejectsWith } from "../contract/store/driver.ts";

const parse = (text: string): unknown => parseControl(Buffer.from(text));

/** A JSON object of which one string is not UTF-8. */
const NOT_UTF8 = Buffer.concat([Buffer.from('{"type":"ack","offset":1,"x":"'), Uint8Array.of(0xff), Buffer.from('"}')]);

describe("a control message from the server", () => {
  it("comes out of the parser as it went into the encoder", () => {
    const messages: ServerControl[] = [
      { type: "start", offset: 7, generation: "3f2a", session: "s", window: 9 },
      { type: "start", offset: 0, session: "", window: 0 },
      { type: "start", offset: 0 },
      { type: "ack", offset: 1 },
      { type: "heartbeat", offset: Number.MAX_SAFE_INTEGER },
      { type: "idle", offset: 2, reason: "complete" },
      { type: "end", offset: 0, reason: "lost" },
      { type: "end", offset: 5, reason: "complete", closed: true },
    ];
    for (const message of messages) assert.deepEqual(parseControl(encodeControl(message)), message);
  });

  it("may have unknown fields, types and reasons", () => {
    assert.deepEqual(parse('{"type":"ack","offset":1,"more":[]}'), { type: "ack", offset: 1 });
    assert.equal(parse('{"type":"weather","is":"fine"}'), undefined);
    assert.equal(parse("{}"), undefined);
    const unknown = { type: "end", offset: 1, reason: "unknown" };
    assert.deepEqual(parse('{"type":"end","offset":1,"reason":"bored"}'), unknown);
    assert.deepEqual(parse('{"type":"end","offset":1}'), unknown);
    assert.deepEqual(parse('{"type":"idle","offset":1}'), { ...unknown, type: "idle" });
    for (const closed of ["false", '"true"', "1"]) {
      assert.deepEqual(parse(`{"type":"end","offset":1,"closed":${closed}}`), unknown, closed);
    }
  });

  it("starts without a generation or a session if what it names is none", () => {
    for (const fields of ['"generation":""', '"generation":7', '"session":7', '"generation":null,"session":null']) {
      assert.deepEqual(parse(`{"type":"start","offset":3,${fields}}`), { type: "start", offset: 3 }, fields);
    }
  });

  it("must be a JSON object with valid numbers", async () => {
    const wrong = ["", "no JSON", "null", "7", '"ack"', '{"type":"ack"}'];
    for (const value of ["-1", '"1"', "1.5", "null", "[1]", "9007199254740992"]) {
      for (const type of ["ack", "heartbeat", "idle", "end", "start"])
        wrong.push(`{"type":"${type}","offset":${value}}`);
      wrong.push(`{"type":"start","offset":0,"window":${value}}`);
    }
    for (const text of wrong) await rejectsWith((async () => parse(text))(), "protocol");
  });

  it("must be UTF-8", async () => {
    for (const bytes of [Uint8Array.of(0xff), NOT_UTF8]) {
      await rejectsWith((async () => parseControl(bytes))(), "protocol");
    }
  });
});

describe("a control message from an appender", () => {
  it("has a type, which may be unknown", () => {
    assert.equal(controlType(END_MESSAGE), "end");
    assert.equal(controlType(Buffer.from('{"type":"weather","is":"fine"}')), "weather");
    assert.equal(controlType(Buffer.from('{"type":""}')), "");
  });

  it("is refused without one", async () => {
    const wrong = ["", "no JSON", "null", "7", '"end"', "[]", "{}", '{"type":7}', '{"type":null}', '{"type":["end"]}'];
    for (const bytes of [...wrong.map((text) => Buffer.from(text)), NOT_UTF8]) {
      await rejectsWith((async () => controlType(bytes))(), "protocol");
    }
  });
});
