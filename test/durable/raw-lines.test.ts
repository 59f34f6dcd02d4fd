/** Raw bytes that are appended to a stream of JSON: its lines are the messages. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Streams } from "../../src/index.ts";
import { until, within } from "../fixture/until.ts";
import { expectStatus, openBody, readUntil, rig, send } from "./app.ts";
import { CLOSED, JSON_TYPE, producer, TEXT } from "./streams.ts";

/** Also those of a browser decide: it gets the page. */
const VARY = "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests";

const LINES = { Accept: "application/x-ndjson" };

async function raw(streams: Streams, status: number, body: string, headers = {}): Promise<Response> {
  return await expectStatus(status, streams, "POST", "a?verb=APPEND", { ...TEXT, ...headers }, body);
}

async function textOf(streams: Streams, path: string, headers = {}): Promise<string> {
  return await (await send(streams, "GET", path, headers)).text();
}

async function nextOffset(streams: Streams, path: string): Promise<number> {
  return Number((await send(streams, "HEAD", path)).headers.get("stream-next-offset"));
}

async function madeStream(body?: string): Promise<Streams> {
  const streams = rig();
  await expectStatus(201, streams, "PUT", "a", JSON_TYPE, body);
  return streams;
}

describe("raw appends to a stream of JSON", () => {
  it("add messages, one per line", async () => {
    const streams = await madeStream("[1]");
    await raw(streams, 200, '{"b": 2.0}\n [3]\r\n');
    await expectStatus(204, streams, "POST", "a", JSON_TYPE, "4");
    assert.equal(await textOf(streams, "a?raw"), '1\n{"b": 2.0}\n [3]\r\n4\n');
    assert.deepEqual(JSON.parse(await textOf(streams, "a")), [1, { b: 2 }, [3], 4]);
    const writer = (await streams.openAppend("a")).getWriter();
    await writer.write("5\n");
    await writer.close();
    assert.deepEqual(JSON.parse(await textOf(streams, "a?offset=19")), [4, 5]);
  });

  it("have lines as long as a message may be, because readers of messages look for their ends", async () => {
    const streams = rig({ limits: { durableBodyBytes: 10 } });
    await expectStatus(201, streams, "PUT", "a", JSON_TYPE);
    await raw(streams, 200, '"12345678"\n"2345678"\n"');
    await raw(streams, 200, "3456");
    await raw(streams, 200, '789"\n');
    for (const bad of ['"123456789"\n', '1\n"1234567890', "1\n1234567890\n2\n12345678901"]) {
      const refused = await raw(streams, 413, bad);
      assert.equal(refused.headers.get("stream-error"), "too_large", bad);
    }
    await raw(streams, 200, '"12');
    await raw(streams, 413, "34567890");
    await raw(streams, 200, '34"\n');
    await expectStatus(204, streams, "POST", "a", JSON_TYPE, "5");
    await raw(streams, 200, '"12345678"\n');
    const all = ["12345678", "2345678", "3456789", 1, 1, 1234567890, 2, "1234", 5, "12345678"];
    assert.deepEqual(JSON.parse(await textOf(streams, "a")), all);
  });

  it("reach those who wait for messages whole, however many pieces a line has", async () => {
    const streams = await madeStream("[1]");
    const waiting: ReadableStreamDefaultReader<Uint8Array>[] = [];
    const follow = async (offset: number | string): Promise<void> => {
      const events = await expectStatus(200, streams, "GET", `a?offset=${offset}&live=sse`);
      waiting.push((events.body as ReadableStream<Uint8Array>).getReader());
    };
    const writer = (await streams.openAppend("a")).getWriter();
    const sizes = [1, 1, 1, 2, 3, 1, 40_000, 1, 30_000, 70_000, 5, 1, 1];
    for (const size of sizes) {
      // The next one begins within the line.
      await follow(2);
      await writer.write(size === 1 && waiting.length === 1 ? '"' : "x".repeat(size));
    }
    await writer.write('"\n2\n"');
    await follow(2);
    await writer.write('3"\n');
    const line = `data:["${"x".repeat(sizes.reduce((sum, size) => sum + size) - 1)}",2]\n`;
    for (const reader of waiting) {
      const text = await readUntil(reader, 'data:["3"]\n');
      assert.ok(text.includes(line), text.slice(0, 200));
      await reader.cancel();
    }
    await writer.close();
  });

  it("show an unfinished line to those who read bytes only", async () => {
    const streams = await madeStream("[1]");
    const follow = await expectStatus(200, streams, "GET", "a?verb=FOLLOW");
    const reader = (follow.body as ReadableStream<Uint8Array>).getReader();
    const events = await expectStatus(200, streams, "GET", "a?offset=2&live=sse");
    const eventReader = (events.body as ReadableStream<Uint8Array>).getReader();
    const poll = send(streams, "GET", "a?offset=2&live=long-poll");
    const writer = (await streams.openAppend("a")).getWriter();
    await writer.write('{"b":');
    await readUntil(reader, '1\n{"b":');
    assert.equal(await textOf(streams, "a"), "[1]");
    assert.equal(await nextOffset(streams, "a"), 2);
    assert.equal(await nextOffset(streams, "a?raw"), 7);
    assert.equal(await textOf(streams, "a?offset=now"), "[]");
    await expectStatus(416, streams, "GET", "a?offset=3");
    const late = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const lateReader = (late.body as ReadableStream<Uint8Array>).getReader();
    await readUntil(lateReader, "event: data\ndata:[1]\n\nevent: control\n");
    const waiting = await expectStatus(200, streams, "GET", "a?offset=2&live=sse");
    const waitingReader = (waiting.body as ReadableStream<Uint8Array>).getReader();
    const control = await readUntil(waitingReader, "\n\n");
    assert.match(control, /^event: control\ndata:{"streamNextOffset":"0000000000000002",.*"upToDate":true}/);
    await writer.write("2}\n3");
    for (const [one, what] of [
      [eventReader, "the events"],
      [lateReader, "the late events"],
      [waitingReader, "the waiting events"],
    ] as const) {
      const seen = await within(readUntil(one, "id: 0000000000000010\n\n"), what);
      assert.match(seen, /event: data\ndata:\[{"b":2}\]\n/);
    }
    const woken = await within(poll, "the long-poll");
    assert.equal(await woken.text(), '[{"b":2}]');
    assert.equal(woken.headers.get("stream-next-offset"), "0000000000000010");
    await writer.close();
    for (const one of [reader, eventReader, lateReader, waitingReader]) await one.cancel();
  });

  it("end at a line that is no JSON; what comes before it stays", async () => {
    for (const bad of ["nope\n", "\n", " \n", '"\u0001"\n', "1 2\n", '{"a":1]\n', "\ufeff1\n"]) {
      const streams = await madeStream();
      const follow = await expectStatus(200, streams, "GET", "a?verb=FOLLOW");
      const refused = await raw(streams, 400, `1\n${bad}2\n`);
      assert.equal(refused.headers.get("stream-error"), "not_json", bad);
      assert.equal(refused.headers.get("stream-next-offset"), "0000000000000002");
      assert.equal(await textOf(streams, "a"), "[1]");
      // The path is free, and the next line is a line of its own.
      await raw(streams, 200, "3\n");
      await expectStatus(204, streams, "POST", "a", { ...JSON_TYPE, ...CLOSED }, "4");
      assert.equal(await within(follow.text(), "the end of the follow"), "1\n3\n4\n");
    }
  });

  it("end at bytes that are not UTF-8", async () => {
    const streams = await madeStream();
    const bytes = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.of(0x31, 0x0a, 0x22, 0xc3, 0x22, 0x0a));
        controller.close();
      },
    });
    const refused = await send(streams, "POST", "a?verb=APPEND", TEXT, bytes);
    assert.deepEqual([refused.status, refused.headers.get("stream-error")], [400, "not_json"]);
    assert.equal(await textOf(streams, "a?raw"), "1\n");
  });

  it("fail in the program that runs the server, too, and leave the path free", async () => {
    const streams = await madeStream();
    await assert.rejects(streams.append("a", "1\nnope\n"), { code: "not_json" });
    const writer = (await streams.openAppend("a")).getWriter();
    await writer.write("[");
    await assert.rejects(writer.write("}"), { code: "not_json" });
    assert.equal(await textOf(streams, "a?raw"), "1\n[");
    await streams.append("a", "]\n");
    assert.equal(await textOf(streams, "a"), "[1,[]]");
    assert.equal((await streams.stat("a"))?.ended, "complete");
  });

  it("may leave a line for the next one to finish", async () => {
    const streams = await madeStream();
    await raw(streams, 200, '{"a":"€'.slice(0, 6));
    await raw(streams, 200, "€");
    await raw(streams, 400, "\n");
    await raw(streams, 200, '"}\n');
    assert.equal(await textOf(streams, "a"), '[{"a":"€"}]');
  });

  it("leave a whole message without a line end to the next POST, which ends it", async () => {
    const streams = await madeStream();
    await raw(streams, 200, '{"a":1}');
    assert.equal(await textOf(streams, "a"), "[]");
    const posts = ["2", "3"].map((body) => send(streams, "POST", "a", JSON_TYPE, body));
    for (const { status } of await Promise.all(posts)) assert.equal(status, 204);
    assert.equal(await textOf(streams, "a"), '[{"a":1},2,3]');
    await raw(streams, 200, "4");
    const closed = await expectStatus(204, streams, "POST", "a", CLOSED);
    assert.equal(closed.headers.get("stream-next-offset"), "0000000000000014");
    assert.equal(await textOf(streams, "a"), '[{"a":1},2,3,4]');
  });

  it("leave a part of a message to no POST: it is refused, and nothing of it counts", async () => {
    const streams = await madeStream();
    await raw(streams, 200, '1\n{"a":');
    const headers = { ...JSON_TYPE, ...producer(["p", 0, 0]) };
    const refused = await expectStatus(409, streams, "POST", "a", headers, "2");
    assert.equal(refused.headers.get("stream-error"), "mismatch");
    await raw(streams, 200, "0}\n");
    await expectStatus(200, streams, "POST", "a", headers, "2");
    assert.equal(await textOf(streams, "a"), '[1,{"a":0},2]');
    await raw(streams, 200, "[");
    await expectStatus(204, streams, "POST", "a", CLOSED);
    assert.equal(await textOf(streams, "a"), '[1,{"a":0},2]');
  });

  it("close the stream if they say so, with their last line", async () => {
    const streams = await madeStream();
    const last = await raw(streams, 200, "1\n2", CLOSED);
    assert.equal(last.headers.get("stream-next-offset"), "0000000000000004");
    const read = await send(streams, "GET", "a");
    assert.deepEqual([await read.text(), read.headers.get("stream-closed")], ["[1,2]", "true"]);
  });

  it("are held to what was stored before them", async () => {
    const streams = await madeStream();
    const { body, end } = openBody('{"a":');
    const first = send(streams, "POST", "a?verb=APPEND", TEXT, body);
    await until("its first bytes", async () => (await streams.stat("a"))?.size === 5);
    end();
    assert.equal((await first).status, 200);
    await raw(streams, 400, '{"a":1}\n');
    assert.equal((await streams.stat("a"))?.size, 5);
  });
});

describe("the lines of a stream of JSON", () => {
  it("are sent to those who accept them", async () => {
    const streams = await madeStream('[1, {"b": 2}]');
    const array = await send(streams, "GET", "a");
    const lines = await send(streams, "GET", "a", LINES);
    assert.deepEqual([await array.text(), await lines.text()], ['[1,{"b":2}]', '1\n{"b":2}\n']);
    assert.equal(lines.headers.get("content-type"), "application/x-ndjson");
    for (const { headers } of [array, lines]) assert.equal(headers.get("vary"), VARY);
    const tag = lines.headers.get("etag") ?? "";
    assert.notEqual(array.headers.get("etag"), tag);
    const same = await expectStatus(304, streams, "GET", "a", { ...LINES, "If-None-Match": tag });
    assert.equal(same.headers.get("vary"), VARY);
    await expectStatus(200, streams, "GET", "a", { "If-None-Match": tag });
    const part = await expectStatus(206, streams, "GET", "a", { ...LINES, Range: "bytes=2-", "If-Range": tag });
    assert.equal(await part.text(), '{"b":2}\n');
    const other = { ...LINES, Range: "bytes=2-", "If-Range": array.headers.get("etag") ?? "" };
    await expectStatus(200, streams, "GET", "a", other);
    assert.equal((await send(streams, "GET", "a?raw")).headers.get("vary"), null);
    assert.equal(await textOf(streams, "a?offset=2", LINES), '{"b":2}\n');
  });

  it("are an array to those who accept both, or anything", async () => {
    const streams = await madeStream("[1]");
    for (const [Accept, want] of [
      ["*/*", "[1]"],
      ["application/json", "[1]"],
      ["text/html, application/x-ndjson;q=0.5, application/json", "[1]"],
      ["application/json;q=0.5, application/x-ndjson", "1\n"],
      ["application/x-ndjson, */*;q=0.1", "1\n"],
    ] as const) {
      assert.equal(await textOf(streams, "a", { Accept }), want, Accept);
    }
    const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse", LINES);
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    await readUntil(reader, "data:[1]\n");
    await reader.cancel();
    const poll = await expectStatus(200, streams, "GET", "a?offset=-1&live=long-poll", LINES);
    assert.equal(await poll.text(), "[1]");
  });
});

describe("server-sent events", () => {
  it("end after a while with a control event, behind which a browser goes on", async () => {
    const streams = rig({ limits: { eventStreamMs: 50 } });
    await expectStatus(201, streams, "PUT", "a", TEXT, "one");
    const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const text = await within(events.text(), "the end of the events");
    assert.match(text, /retry: \d{3,4}\nevent: control\ndata:{.*"upToDate":true}\nid: 0000000000000003\n\n$/);
    assert.doesNotMatch(text, /streamClosed/);
    await expectStatus(204, streams, "POST", "a", { ...TEXT, ...CLOSED }, "two");
    const again = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse", {
      "Last-Event-ID": "0000000000000003",
    });
    assert.match(await within(again.text(), "the rest"), /^event: data\ndata:two\n\nevent: control\n.*streamClosed/s);
    assert.equal((await streams.stat("a"))?.followers, 0);
  });

  it("say where the client is after a quiet period", async () => {
    const streams = rig({ limits: { heartbeatMs: 10, eventStreamMs: 0 } });
    await expectStatus(201, streams, "PUT", "a", TEXT, "one");
    const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    let seen = "";
    while (seen.split("event: control").length < 5) seen += Buffer.from((await reader.read()).value ?? "").toString();
    assert.doesNotMatch(seen, /retry/);
    assert.equal(seen.split("event: data").length, 2);
    await reader.cancel();
  });
});
