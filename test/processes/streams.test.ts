/** Streams on a root that several server processes share. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CLOSED, JSON_TYPE, producer, StreamServer, sendTo, TEXT } from "../durable/streams.ts";
import type { TestServer } from "../fixture/servers.ts";
import { until, within } from "../fixture/until.ts";

describe("streams of two processes", { timeout: 120_000, concurrency: 4 }, () => {
  let one: StreamServer;
  let two: TestServer;

  before(async () => {
    one = await StreamServer.start();
    two = await one.another();
  });
  after(async () => {
    await two?.kill9();
    await one?.remove();
  });

  test("each request is stored once and whole, whichever process gets it", async () => {
    await one.expect(201, "PUT", "both", JSON_TYPE);
    for (let round = 0; round < 3; round++) {
      const urls = [one.url, two.url, one.url, two.url];
      const posts = urls.map((url, at) => sendTo(url, "POST", "both", JSON_TYPE, `[[${round},${at}]]`));
      for (const { status, text } of await Promise.all(posts)) assert.equal(status, 204, text);
    }
    const stored = JSON.parse((await one.get("both")).text) as [number, number][];
    const want = [0, 1, 2].flatMap((round) => [0, 1, 2, 3].map((at) => [round, at]));
    assert.deepEqual(
      stored.sort(([a, b], [c, d]) => a - c || b - d),
      want,
    );
  });

  test("a producer that goes on at another process is known there", async () => {
    await one.expect(201, "PUT", "moved", TEXT);
    await one.produce(200, "moved", ["p", 1, 0], "one");
    const headers = { ...TEXT, ...producer(["p", 1, 0]) };
    assert.equal((await sendTo(two.url, "POST", "moved", headers, "one")).status, 204);
    const next = { ...TEXT, ...producer(["p", 1, 1]) };
    assert.equal((await sendTo(two.url, "POST", "moved", next, "two")).status, 200);
    await one.produce(403, "moved", ["p", 0, 0], "zombie");
    assert.equal(one.stored("moved"), "onetwo");
  });

  test("a raw append gets the path that another process has merely kept", async () => {
    await one.expect(201, "PUT", "kept", TEXT, "one");
    const raw = await sendTo(two.url, "POST", "kept?verb=APPEND", TEXT, "two");
    assert.equal(raw.status, 200, raw.text);
    assert.equal(one.stored("kept"), "onetwo");
  });

  test("live readers hear of appends and of the end in another process", async () => {
    await one.expect(201, "PUT", "live", TEXT, "one ");
    const events = await fetch(`${two.url}/live?offset=-1&live=sse`);
    const text = events.text();
    const poll = sendTo(two.url, "GET", "live?offset=4&live=long-poll");
    await one.expect(204, "POST", "live", TEXT, "two ");
    assert.equal((await within(poll, "the long-poll")).text, "two ");
    await one.expect(204, "POST", "live", { ...TEXT, ...CLOSED }, "three");
    const seen = await within(text, "the end of the events");
    // Two appends may come as one event.
    const data = seen.match(/(?<=^event: data\ndata:).*/gm)?.join("");
    assert.equal(data, "one two three");
    // A reader that has all data also knows that there is no more.
    const last = seen.match(/(?<=^event: control\ndata:).*0000000000000013.*/gm) ?? [];
    assert.deepEqual(
      last.map((control) => (JSON.parse(control) as { streamClosed?: boolean }).streamClosed),
      [true],
    );
  });

  test("what one process removes is gone in the other, too", async () => {
    await one.expect(201, "PUT", "gone", TEXT, "x");
    const events = await fetch(`${two.url}/gone?offset=-1&live=sse`);
    const text = events.text();
    assert.equal((await sendTo(two.url, "DELETE", "gone")).status, 204);
    await one.expect(404, "GET", "gone");
    await within(text, "the end of the events");
  });

  test("a stream that is read in one process does not expire in the other", async () => {
    await one.expect(201, "PUT", "used", { ...TEXT, "Stream-TTL": "2" }, "x");
    await one.expect(201, "PUT", "unused", { ...TEXT, "Stream-TTL": "2" }, "x");
    await until("the stream that is not read to expire", async () => {
      assert.equal((await sendTo(two.url, "GET", "used")).status, 200);
      return (await one.send("HEAD", "unused")).status === 404;
    });
    assert.equal((await one.get("used")).status, 200);
  });
});
