/** The last server-sent events of a stream: the control event behind the last data says that the stream is closed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { within } from "../fixture/until.ts";
import { expectStatus, rig } from "./app.ts";
import { CLOSED, JSON_TYPE, TEXT } from "./streams.ts";

const BYTES = { "Content-Type": "application/octet-stream" };

const FORMS = [
  { name: "text", type: TEXT, first: "one", last: "two", data: ["one", "two"] },
  { name: "JSON", type: JSON_TYPE, first: "1", last: "[2,3]", data: ["[1]", "[2,3]"] },
  { name: "bytes", type: BYTES, first: "one", last: "two", data: ["b25l", "dHdv"] },
];

/** The data of each event, and `closed` or `open` for each control event. */
function summary(text: string): string[] {
  const events = text.split("\n\n").slice(0, -1);
  return events.map((event) => {
    const data = /(?<=^data:).*/m.exec(event)?.[0] ?? "";
    if (!event.startsWith("event: control\n")) return data;
    const { streamClosed, streamCursor, upToDate } = JSON.parse(data) as Record<string, unknown>;
    if (streamClosed) assert.deepEqual([streamCursor, upToDate], [undefined, true]);
    return streamClosed ? "closed" : "open";
  });
}

describe("the last server-sent events of a stream", () => {
  for (const { name, type, first, last, data } of FORMS) {
    const [one = "", two = ""] = data;

    it(`${name}: a last append that closes the stream is one data event and one control event`, async () => {
      const streams = rig();
      await expectStatus(201, streams, "PUT", "a", type, first);
      const events = await expectStatus(200, streams, "GET", "a?offset=now&live=sse");
      await expectStatus(204, streams, "POST", "a", { ...type, ...CLOSED }, last);
      assert.deepEqual(summary(await within(events.text(), "the end of the events")), ["open", two, "closed"]);
    });

    it(`${name}: what was stored before it was closed is followed by one control event`, async () => {
      const streams = rig();
      await expectStatus(201, streams, "PUT", "a", { ...type, ...CLOSED }, first);
      const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
      assert.deepEqual(summary(await within(events.text(), "the end of the events")), [one, "closed"]);
    });

    it(`${name}: closing without data is one control event`, async () => {
      const streams = rig();
      await expectStatus(201, streams, "PUT", "a", type, first);
      const events = await expectStatus(200, streams, "GET", "a?offset=now&live=sse");
      await expectStatus(204, streams, "POST", "a", CLOSED);
      assert.deepEqual(summary(await within(events.text(), "the end of the events")), ["open", "closed"]);
    });
  }

  it("a text that ends within a character is not whole before the rest of it was sent", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const { body } = new Response(Buffer.from("1€").subarray(0, 3));
    await expectStatus(204, streams, "POST", "a", { ...TEXT, ...CLOSED }, body as ReadableStream<Uint8Array>);
    const text = await within(events.text(), "the end of the events");
    assert.deepEqual(summary(text), ["open", "1", "open", "\uFFFD", "closed"]);
  });
});
