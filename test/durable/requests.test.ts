/** Streams and the other requests of the protocol, on one server without a network. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import type { AccessRequest } from "../../src/index.ts";
import { until, within } from "../fixture/until.ts";
import { expectStatus, openBody, readUntil, rig, send } from "./app.ts";
import { CLOSED, JSON_TYPE, producer, TEXT } from "./streams.ts";

describe("streams and other requests", () => {
  it("a follow of an open stream lasts over all appends, until it is closed", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const follow = await expectStatus(200, streams, "GET", "a?verb=FOLLOW");
    const local = new Response(streams.follow("a")).text();
    await expectStatus(204, streams, "POST", "a", TEXT, "one ");
    await expectStatus(200, streams, "POST", "a?verb=APPEND", TEXT, "two ");
    await expectStatus(204, streams, "POST", "a", { ...TEXT, ...CLOSED }, "three");
    assert.equal(await within(follow.text(), "the end of the follow"), "one two three");
    assert.equal(await within(local, "the end of the local follow"), "one two three");
  });

  it("a follow of a stream that is removed is cut", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT, "x");
    const follow = await expectStatus(200, streams, "GET", "a?verb=FOLLOW");
    const read = follow.text();
    await expectStatus(204, streams, "DELETE", "a");
    await assert.rejects(within(read, "the end of the follow"));
  });

  it("the end of an append closes nothing, unless its request says so", async () => {
    const streams = rig();
    await expectStatus(200, streams, "POST", "a?verb=APPEND", TEXT, "one ");
    await expectStatus(200, streams, "POST", "a?verb=APPEND", TEXT, "two ");
    const last = await expectStatus(200, streams, "PUT", "a?verb=APPEND", { ...TEXT, ...CLOSED }, "three");
    assert.equal(last.headers.get("stream-closed"), "true");
    const refused = await expectStatus(409, streams, "POST", "a?verb=APPEND", TEXT, "four");
    assert.equal(refused.headers.get("stream-error"), "closed");
    assert.equal(await (await send(streams, "GET", "a")).text(), "one two three");
  });

  it("a POST waits for the appender of its path, and is stored behind it", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const { body, end } = openBody("raw ");
    const raw = send(streams, "POST", "a?verb=APPEND", TEXT, body);
    await until("the raw append to begin", async () => (await streams.stat("a"))?.size === 4);
    const posts = ["1", "2", "3"].map((text) => send(streams, "POST", "a", TEXT, text));
    end();
    assert.equal((await raw).status, 200);
    for (const post of posts) assert.equal((await post).status, 204);
    assert.equal(await (await send(streams, "GET", "a")).text(), "raw 123");
  });

  it("a time to expire at is short, because each answer repeats it", async () => {
    const streams = rig();
    for (const [digits, status] of [
      [9, 201],
      [64, 400],
    ] as const) {
      const time = `2100-01-01T00:00:00.${"1".repeat(digits)}Z`;
      await expectStatus(status, streams, "PUT", `a${digits}`, { ...TEXT, "Stream-Expires-At": time });
    }
  });

  it("a producer may have any name", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    for (const id of ["__proto__", "constructor", "hasOwnProperty", "1"]) {
      await expectStatus(200, streams, "POST", "a", { ...TEXT, ...producer([id, 0, 0]) }, "x");
      await expectStatus(204, streams, "POST", "a", { ...TEXT, ...producer([id, 0, 0]) }, "x");
      await expectStatus(200, streams, "POST", "a", { ...TEXT, ...producer([id, 0, 1]) }, "y");
      await expectStatus(200, streams, "POST", "a", { ...TEXT, ...producer([id, 1, 0]) }, "z");
      await expectStatus(403, streams, "POST", "a", { ...TEXT, ...producer([id, 0, 2]) }, "old");
    }
    assert.equal(await (await send(streams, "GET", "a")).text(), "xyz".repeat(4));
  });

  it("a raw append waits for the requests under way, and is not refused", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    for (let round = 0; round < 20; round++) {
      const post = send(streams, "POST", "a", TEXT, ".");
      for (let turn = 0; turn < round; turn++) await undefined;
      const raw = send(streams, "POST", "a?verb=APPEND", TEXT, "-");
      assert.deepEqual([(await post).status, (await raw).status], [204, 200], `${round} turns`);
    }
    assert.equal((await streams.stat("a"))?.size, 40);
  });

  it("a POST that waits in vain is 503, with the time to try again, and nothing is stored", async () => {
    const streams = rig({ limits: { writeWaitMs: 20 } });
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const { body, end } = openBody("raw");
    const raw = send(streams, "POST", "a?verb=APPEND", TEXT, body);
    await until("the raw append to begin", async () => (await streams.stat("a"))?.size === 3);
    const headers = { ...TEXT, "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0" };
    const busy = await expectStatus(503, streams, "POST", "a", headers, "x");
    assert.deepEqual([busy.headers.get("stream-error"), busy.headers.get("retry-after")], ["busy", "1"]);
    end();
    await raw;
    await expectStatus(200, streams, "POST", "a", headers, "x");
    assert.equal(await (await send(streams, "GET", "a")).text(), "rawx");
  });

  it("many clients append at once, and each request is there once and whole", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", JSON_TYPE);
    const numbers = Array.from({ length: 200 }, (_, at) => at);
    const raw = numbers.map((at) => send(streams, "POST", "a", JSON_TYPE, `[${at}, {"n": ${at}}]`));
    for (const response of await Promise.all(raw)) assert.equal(response.status, 204);
    const stored = (await (await send(streams, "GET", "a")).json()) as unknown[];
    assert.deepEqual(
      stored,
      numbers.flatMap((at) => [at, { n: at }]),
    );
  });

  it("a kept claim is not an append", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    await expectStatus(204, streams, "POST", "a", TEXT, "x");
    const { headers } = await send(streams, "GET", "a");
    assert.equal(headers.get("stream-appending"), "?0");
  });

  it("DELETE removes what PUT has created, and nothing else by default", async () => {
    const streams = rig();
    await streams.append("plain.txt", "x");
    const refused = await send(streams, "DELETE", "plain.txt");
    assert.equal(refused.status, 405);
    assert.match(await refused.text(), /Its operator can allow that with the option "deletes" of fstream\(\)\./);
    await expectStatus(201, streams, "PUT", "a.txt", TEXT, "x");
    await expectStatus(204, streams, "DELETE", "a.txt");
    await expectStatus(404, streams, "DELETE", "a.txt");
    const none = rig({ deletes: "none" });
    await expectStatus(201, none, "PUT", "a.txt", TEXT, "x");
    await expectStatus(405, none, "DELETE", "a.txt");
  });

  it("PUT of a plain file is 200 for its own type, and changes nothing", async () => {
    const streams = rig();
    await streams.append("a.txt", "x");
    await expectStatus(200, streams, "PUT", "a.txt", TEXT, "ignored");
    await expectStatus(409, streams, "PUT", "a.txt", { "Content-Type": "image/png" });
    await expectStatus(409, streams, "PUT", "a.txt", { ...TEXT, "Stream-TTL": "60" });
    await expectStatus(204, streams, "POST", "a.txt", TEXT, "y");
    await expectStatus(405, streams, "DELETE", "a.txt");
    assert.equal(await (await send(streams, "GET", "a.txt")).text(), "xy");
  });

  it("a file and a folder can't have one name", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a/b", TEXT);
    for (const path of ["a", "a/", "a/b/c"]) {
      const { headers } = await expectStatus(409, streams, "PUT", path, TEXT);
      assert.equal(headers.get("stream-error"), "path_conflict", path);
    }
  });

  it("conditions hold, and nothing is stored if they do not", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", { ...TEXT, "If-None-Match": "*" }, "12");
    await expectStatus(412, streams, "PUT", "a", { ...TEXT, "If-None-Match": "*" });
    const etag = (await send(streams, "GET", "a")).headers.get("etag") ?? "";
    await expectStatus(204, streams, "POST", "a", { ...TEXT, "If-Match": etag }, "3");
    await expectStatus(412, streams, "POST", "a", { ...TEXT, "If-Match": etag }, "4");
    await expectStatus(412, streams, "POST", "a?offset=2", TEXT, "4");
    await expectStatus(204, streams, "POST", "a?offset=3", TEXT, "4");
    assert.equal(await (await send(streams, "GET", "a")).text(), "1234");
  });

  it("server-sent events continue behind Last-Event-ID, and end when the stream is closed", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT, "one");
    const first = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const reader = (first.body as ReadableStream<Uint8Array>).getReader();
    const begun = await readUntil(reader, "\n\nevent: control\n");
    assert.match(begun, /^event: data\ndata:one\n\nevent: control\n/);
    const id = "0000000000000003";
    await readUntil(reader, `id: ${id}\n\n`, begun);
    await reader.cancel();
    await expectStatus(204, streams, "POST", "a", TEXT, "two");
    const again = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse", { "Last-Event-ID": id });
    await expectStatus(204, streams, "POST", "a", CLOSED);
    const text = await within(again.text(), "the end of the events");
    assert.match(text, /^event: data\ndata:two\n\n/);
    assert.match(text, /"streamClosed":true}\nid: 0000000000000006\n\n$/);
  });

  it("server-sent events of text are cut between characters", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const events = await expectStatus(200, streams, "GET", "a?offset=-1&live=sse");
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    const euro = Buffer.from("1€2");
    const append = (await streams.openAppend("a")).getWriter();
    await append.write(euro.subarray(0, 2));
    let seen = await readUntil(reader, "id: 0000000000000001\n\n");
    await append.write(euro.subarray(2));
    seen = await readUntil(reader, "id: 0000000000000005\n\n", seen);
    assert.match(seen, /data:1\n\n.*data:€2\n\n/s);
    await append.close();
    await reader.cancel();
  });

  it("a long-poll is woken by any appender, and by the end of the stream", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const poll = send(streams, "GET", "a?offset=now&live=long-poll");
    await streams.append("a", "raw");
    const woken = await within(poll, "the long-poll");
    assert.deepEqual([woken.status, await woken.text()], [200, "raw"]);
    const last = send(streams, "GET", "a?offset=3&live=long-poll");
    await expectStatus(204, streams, "POST", "a", CLOSED);
    const ended = await within(last, "the last long-poll");
    assert.deepEqual([ended.status, ended.headers.get("stream-closed")], [204, "true"]);
  });

  it("the lines of a JSON stream have a type, an entity tag and ranges of their own", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", JSON_TYPE, '[1, {"b": 2}]');
    const array = await send(streams, "GET", "a");
    const lines = await send(streams, "GET", "a?raw");
    assert.deepEqual([await array.text(), await lines.text()], ['[1,{"b":2}]', '1\n{"b":2}\n']);
    assert.equal(lines.headers.get("content-type"), "application/x-ndjson");
    assert.notEqual(array.headers.get("etag"), lines.headers.get("etag"));
    const part = await expectStatus(206, streams, "GET", "a?raw", { Range: "bytes=2-" });
    assert.equal(await part.text(), '{"b":2}\n');
    await expectStatus(200, streams, "GET", "a", { Range: "bytes=2-" });
    await expectStatus(304, streams, "GET", "a", { "If-None-Match": array.headers.get("etag") ?? "" });
    await expectStatus(400, streams, "GET", "a?offset=1");
    assert.equal(await (await send(streams, "GET", "a?offset=2")).text(), '[{"b":2}]');
    assert.equal(await (await send(streams, "GET", "a?tail=9")).text(), '[{"b":2}]');
  });

  it("the gate is asked about the source of a fork, too", async () => {
    const asked: string[] = [];
    const authorize = ({ action, path }: AccessRequest): boolean => {
      asked.push(`${action} /${path}`);
      return path !== "secret" || action !== "read";
    };
    const streams = rig({ authorize });
    await expectStatus(201, streams, "PUT", "secret", TEXT, "x");
    asked.length = 0;
    await expectStatus(403, streams, "PUT", "fork", { "Stream-Forked-From": "/secret" });
    assert.deepEqual(asked, ["append /fork", "read /secret"]);
    await expectStatus(404, streams, "GET", "fork");
  });

  it("a fork names its source by its URL path, with the mount and within the scope", async () => {
    const streams = rig({ scope: (c) => `users/${c.req.param("user")}` });
    const app = new Hono().route("/s/:user", streams.app);
    await expectStatus(201, { app }, "PUT", "s/ada/a%20b", TEXT, "x");
    await expectStatus(201, { app }, "PUT", "s/ada/fork", { "Stream-Forked-From": "/s/ada/a%20b" });
    assert.equal((await streams.stat("users/ada/fork"))?.size, 1);
    await expectStatus(201, { app }, "PUT", "s/%61da/encoded", { "Stream-Forked-From": "/s/ada/a%20b" });
    await expectStatus(201, { app }, "PUT", "s/ada/encoded2", { "Stream-Forked-From": "/%73/ad%61/a%20b" });
    const missing = await send({ app }, "PUT", "s/ada/other", { "Stream-Forked-From": "/s/ada/b/c" });
    assert.equal(missing.status, 404);
    assert.equal(await missing.text(), '"/s/ada/b/c" does not exist.\n');
    for (const from of [
      "/s/eve/a%20b",
      "/a%20b",
      "a%20b",
      "/s/ada/",
      "/s/ada/../eve/x",
      "http://localhost/s/ada/a%20b",
    ]) {
      await expectStatus(400, { app }, "PUT", "s/ada/other", { "Stream-Forked-From": from });
    }
  });

  it("the program closes a stream, and answers a route of its own with events", async () => {
    const streams = rig();
    await streams.append("a", "x");
    const app = new Hono().get("/events", (c) => streams.respond(c, "a"));
    const events = await app.request("http://localhost/events?live=sse");
    assert.equal(events.headers.get("content-type"), "text/event-stream");
    await streams.close("a");
    await streams.close("a");
    assert.match(await within(events.text(), "the end of the events"), /"streamClosed":true/);
    await assert.rejects(streams.append("a", "y"), { code: "closed" });
    await assert.rejects(streams.close("none"), { code: "not_found" });
  });

  it("answers a creation with the type that appends must have", async () => {
    const streams = rig();
    for (const [path, type, headers] of [
      ["a.csv", "text/csv", {}],
      ["a.bin", "application/octet-stream", {}],
      ["none", "application/octet-stream", {}],
      ["b.csv", "text/plain", TEXT],
    ] as const) {
      const created = await expectStatus(201, streams, "PUT", path, headers);
      assert.equal(created.headers.get("content-type")?.split(";")[0], type, path);
      await expectStatus(204, streams, "POST", path, { "Content-Type": type }, "x");
      const again = await expectStatus(200, streams, "PUT", path, headers);
      assert.equal(again.headers.get("content-type"), created.headers.get("content-type"));
    }
  });

  it("refuses a stream that exists, and says how it differs", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT, "x");
    await expectStatus(201, streams, "PUT", "closed.txt", { ...TEXT, "Stream-Closed": "true" }, "x");
    await streams.append("file.txt", "x");
    for (const [path, headers, sentence] of [
      ["a", {}, /exists with the type text\/plain, and this PUT names none\. To append, send a POST/],
      ["a", { "Content-Type": "text/csv" }, /with the type text\/plain, and this PUT asks for text\/csv\. /],
      ["a", { ...TEXT, "Stream-TTL": "60" }, /with another time to live, closing or fork/],
      ["closed.txt", TEXT, /exists and is closed\. Nothing was stored\./],
      ["file.txt", {}, /exists with the type text\/plain, and this PUT names none/],
    ] as const) {
      const refused = await send(streams, "PUT", path, headers, new Blob(["y"]).stream());
      assert.equal(refused.status, 409, `${path} ${JSON.stringify(headers)}`);
      assert.match(await refused.text(), sentence, path);
    }
    assert.equal(await (await send(streams, "GET", "a")).text(), "x");
  });

  it("can be switched off", async () => {
    const streams = rig({ durableStreams: false });
    await expectStatus(405, streams, "PUT", "a", TEXT);
    await streams.append("a", "x");
    await expectStatus(405, streams, "POST", "a", TEXT, "y");
    for (const live of ["sse", "long-poll"]) {
      const refused = await send(streams, "GET", `a?live=${live}&offset=0`);
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /Durable Streams are off.*\?verb=FOLLOW/);
    }
    await assert.rejects(streams.close("a"), { code: "not_implemented" });
  });

  it("caches may keep what a read answers for as long as the operator says", async () => {
    const streams = rig({ cacheSeconds: 5 });
    await expectStatus(201, streams, "PUT", "a", TEXT, "x");
    const control = async (query: string) => (await send(streams, "GET", `a${query}`)).headers.get("cache-control");
    assert.equal(await control("?offset=-1"), "public, max-age=5");
    assert.equal(await control("?offset=now"), "no-store");
    assert.equal(await control("?offset=0&live=long-poll"), "public, max-age=5");
    const waiting = ["?offset=1&live=long-poll", "?offset=now&live=long-poll"].map(control);
    await streams.append("a", "y");
    assert.deepEqual(await Promise.all(waiting), ["public, max-age=5", "no-store"]);
    const gated = rig({ cacheSeconds: 5, authorize: () => true });
    await expectStatus(201, gated, "PUT", "a", TEXT, "x");
    assert.equal((await send(gated, "GET", "a")).headers.get("cache-control"), "private, max-age=5");
    assert.throws(() => rig({ cacheSeconds: 0.5 }), RangeError);
  });
});
