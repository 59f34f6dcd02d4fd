/** The client with a Durable Streams server that the test plays: what it sends, repeats and gives up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AppendOptions, AppendStream, openIn } from "../../src/client/append/mod.ts";
import type { AppendState } from "../../src/client/append/state.ts";
import { LONG_POLL_MS, SILENCE_MS } from "../../src/client/connection/limits.ts";
import { type FollowOptions, followIn } from "../../src/client/follow/mod.ts";
import type { FollowStream } from "../../src/client/follow/stream.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";
import { all } from "../client/scenarios.ts";
import { type ScriptedRequest, ScriptedWorld } from "./simulation/scripted.ts";

const URL_ = "http://host/a?x=1";

const failsWith = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof StreamError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

function answer(status: number, headers: Record<string, string> = {}, body: string | null = null): Response {
  return new Response(body, { status, headers });
}

/** What the server says of a stream of text that ends at a token. */
function at(token: string, more: Record<string, string> = {}): Record<string, string> {
  return { "Content-Type": "text/plain", "Stream-Next-Offset": token, ...more };
}

/** The numbers of a request, and its body. */
function stamp({ headers, text }: ScriptedRequest): [epoch: string | null, seq: string | null, text: string] {
  return [headers.get("Producer-Epoch"), headers.get("Producer-Seq"), text];
}

describe("an append to a Durable Streams server", () => {
  /** Begins an append to a stream that exists. */
  async function begin(options: AppendOptions = {}): Promise<{ world: ScriptedWorld; stream: AppendStream }> {
    const world = new ScriptedWorld();
    const opening = openIn(world, URL_, { protocol: "durable-streams", ...options });
    const head = await world.request();
    assert.deepEqual([head.method, head.url.search], ["HEAD", "?x=1"]);
    head.answer(answer(200, at("t0")));
    return { world, stream: new AppendStream(await opening) };
  }

  it("numbers its requests, and sends what was written meanwhile as one", async () => {
    const states: AppendState[] = [];
    const { world, stream } = await begin({ onState: (state) => states.push(state) });
    const writer = stream.getWriter();
    await writer.write("a");
    const first = await world.request();
    for (const text of ["b", "c", "d"]) await writer.write(text);
    const closing = writer.close();
    assert.equal(world.requests.length, 0, "it sent the second request before the first was answered");
    assert.deepEqual(stamp(first), ["0", "0", "a"]);
    first.answer(answer(200, { "Stream-Next-Offset": "t1" }));
    const second = await world.request();
    assert.deepEqual(stamp(second), ["0", "1", "bcd"]);
    assert.equal(second.headers.get("Content-Type"), "text/plain");
    assert.equal(second.headers.get("Producer-Id"), first.headers.get("Producer-Id"));
    second.answer(answer(200, { "Stream-Next-Offset": "t2" }));
    await closing;
    assert.equal(stream.position, "t2");
    assert.deepEqual(states, [
      { state: "connecting" },
      { state: "open", protocol: "durable-streams", offset: undefined },
      { state: "ended", reason: "complete", offset: undefined },
    ]);
  });

  it("creates a stream that does not exist, with the headers for that only there", async () => {
    const world = new ScriptedWorld();
    const headers = { "Content-Type": "text/csv", "Stream-TTL": "60", "X-Own": "1" };
    const opening = openIn(world, URL_, { protocol: "durable-streams", close: true, headers });
    (await world.request()).answer(answer(404));
    const put = await world.request();
    const seen = (request: ScriptedRequest): unknown => Object.keys(headers).map((name) => request.headers.get(name));
    assert.deepEqual([put.method, seen(put)], ["PUT", ["text/csv", "60", "1"]]);
    put.answer(answer(201, at("t0", { "Content-Type": "text/csv" })));
    const writer = new AppendStream(await opening).getWriter();
    await writer.write("1,2");
    const post = await world.request();
    assert.deepEqual([post.method, seen(post)], ["POST", ["text/csv", null, "1"]]);
    const closing = writer.close();
    post.answer(answer(200, { "Stream-Next-Offset": "t1" }));
    const last = await world.request();
    assert.deepEqual([last.headers.get("Stream-Closed"), last.text], ["true", ""]);
    last.answer(answer(204, { "Stream-Next-Offset": "t1", "Stream-Closed": "true" }));
    await closing;
  });

  it("repeats a request with its number until it is stored: breaks, silence, and statuses that pass", async () => {
    const { world, stream } = await begin();
    const writer = stream.getWriter();
    await writer.write("once");
    const faults: ((request: ScriptedRequest) => unknown)[] = [
      (request) => request.fail(),
      ({ answer: say }) => say(answer(500, {}, "oops")),
      ({ answer: say }) => say(answer(429, { "Retry-After": "1" })),
      ({ answer: say }) => say(answer(503)),
      ({ answer: say }) => say(answer(502, { "Content-Type": "text/html" }, "<h1>Bad Gateway</h1>")),
      ({ answer: say }) => say(answer(408)),
      ({ answer: say }) => say(answer(503, { "Stream-Error": "busy" }, "It is taken.")),
      // Silence: the clock goes on until the next request.
      () => {},
    ];
    for (const fault of faults) {
      const request = await world.later();
      assert.deepEqual(stamp(request), ["0", "0", "once"]);
      fault(request);
    }
    const last = await world.later();
    assert.ok(world.clock.now() >= SILENCE_MS, `the clock is at ${world.clock.now()}`);
    assert.deepEqual(stamp(last), ["0", "0", "once"]);
    // The server has it already.
    last.answer(answer(204, { "Producer-Seq": "0" }));
    await writer.write("more");
    const next = await world.request();
    assert.deepEqual(stamp(next), ["0", "1", "more"]);
    next.answer(answer(200, at("t2")));
    await writer.close();
  });

  const refusals: [name: string, response: () => Response, code: ErrorCode][] = [
    ["the stream was removed", () => answer(404), "gone"],
    ["the stream was closed", () => answer(409, { "Stream-Closed": "true" }), "closed"],
    ["the server has lost what it had confirmed", () => answer(409, { "Producer-Expected-Seq": "0" }), "changed"],
    ["another producer has its name", () => answer(403, { "Producer-Epoch": "1" }), "fenced"],
    ["it is not allowed", () => answer(403), "forbidden"],
    ["the body is too large", () => answer(413), "too_large"],
    ["the disk is full", () => answer(507), "no_space"],
    ["the server can't store it", () => answer(500, { "Stream-Error": "storage" }, "It failed."), "storage"],
    ["the server ignores the numbers", () => answer(204, { "Stream-Next-Offset": "t1" }), "protocol"],
  ];
  for (const [name, response, code] of refusals) {
    it(`fails with ${code} if ${name}`, async () => {
      const { world, stream } = await begin();
      const writer = stream.getWriter();
      await writer.write("x");
      (await world.request()).answer(response());
      await assert.rejects(writer.closed, failsWith(code));
      assert.equal(world.requests.length, 0);
    });
  }

  it("gives up when the time is over, and does not retry a first attempt that reaches no server", async () => {
    const { world, stream } = await begin({ retryForMs: 10_000 });
    const writer = stream.getWriter();
    await writer.write("x");
    let failed = false;
    const ending = assert.rejects(writer.closed, failsWith("unreachable")).then(() => {
      failed = true;
    });
    let attempts = 0;
    for (; !failed; await new Promise(setImmediate)) {
      const request = world.requests.shift();
      if (request) attempts++;
      if (request) request.fail();
      else world.clock.advance();
    }
    await ending;
    assert.ok(attempts > 3, `only ${attempts} attempts`);

    const other = new ScriptedWorld();
    const opening = openIn(other, URL_, { protocol: "durable-streams" });
    (await other.request()).fail();
    await assert.rejects(opening, failsWith("unreachable"));
  });

  it("asks for another token once when a request is refused", async () => {
    let count = 0;
    const { world, stream } = await begin({ token: () => `token${count++}` });
    const writer = stream.getWriter();
    await writer.write("x");
    const first = await world.request();
    assert.equal(first.headers.get("Authorization"), "Bearer token1");
    first.answer(answer(401));
    const second = await world.request();
    assert.equal(second.headers.get("Authorization"), "Bearer token2");
    assert.deepEqual(stamp(second), ["0", "0", "x"]);
    second.answer(answer(401));
    await assert.rejects(writer.closed, failsWith("unauthorized"));
  });

  it("tells such a server by its answer to the upgrade request, and creates nothing on others", async () => {
    const found = new ScriptedWorld();
    const opening = openIn(found, URL_, {});
    (await found.next()).refuse(200, at("t0"), "all that is stored");
    (await found.request()).answer(answer(200, at("t0")));
    await opening;

    const other = new ScriptedWorld();
    const refused = openIn(other, URL_, {});
    (await other.next()).refuse(404, { "Content-Type": "text/plain" }, "No such page.");
    (await other.request()).answer(answer(404));
    const put = await other.request();
    assert.equal(put.method, "PUT");
    put.answer(answer(405));
    await assert.rejects(refused, failsWith("not_found"));

    const own = new ScriptedWorld();
    const missing = openIn(own, URL_, {});
    (await own.next()).refuse(404, { "Stream-Error": "not_found" }, "It does not exist.");
    await assert.rejects(missing, failsWith("not_found"));
    assert.equal(own.requests.length, 0);
  });
});

describe("a follow of a Durable Streams server", () => {
  function begin(options: FollowOptions = {}): { world: ScriptedWorld; stream: FollowStream } {
    const world = new ScriptedWorld();
    return { world, stream: followIn(world, URL_, { protocol: "durable-streams", ...options }) };
  }

  const CLOSED = { "Stream-Up-To-Date": "true", "Stream-Closed": "true" };

  /** Expects a request, and answers it. */
  async function expect(world: ScriptedWorld, search: string, response: Response): Promise<void> {
    const request = await world.later();
    assert.deepEqual([request.method, request.url.search], ["GET", `?x=1${search}`]);
    request.answer(response);
  }

  it("reads what is stored in parts, waits for more, and ends when the stream is closed", async () => {
    const { world, stream } = begin();
    const reading = all(stream);
    await expect(world, "&offset=-1", answer(200, at("a b"), "one "));
    await expect(world, "&offset=a+b", answer(200, at("t2", { "Stream-Up-To-Date": "true" }), "two "));
    await expect(world, "&offset=t2&live=long-poll", answer(204, at("t2", { "Stream-Cursor": "7" })));
    await expect(world, "&offset=t2&live=long-poll&cursor=7", answer(200, at("t3"), "three "));
    // The wait ends without the bytes that came with the closing.
    await expect(world, "&offset=t3&live=long-poll&cursor=7", answer(204, at("t3", CLOSED)));
    await expect(world, "&offset=t3", answer(200, at("t4", CLOSED), "four"));
    assert.equal(String(await reading), "one two three four");
    assert.equal(stream.position, "0@t4");
  });

  it("reads a response that broke off again from its beginning, and skips what it has delivered", async () => {
    const { world, stream } = begin();
    const reader = stream.getReader();
    let breakOff = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from("hel"));
        breakOff = () => controller.error(new TypeError("terminated"));
      },
    });
    (await world.request()).answer(new Response(body, { headers: at("t1") }));
    assert.equal(String(Buffer.from((await reader.read()).value ?? "")), "hel");
    assert.equal(stream.position, "3@-1");
    breakOff();
    const next = reader.read();
    await expect(world, "&offset=-1", answer(200, at("t1", CLOSED), "hello"));
    assert.equal(String(Buffer.from((await next).value ?? "")), "lo");
    assert.equal((await reader.read()).done, true);
  });

  it("does not take the end of half an array for the end of the messages", async () => {
    const { world, stream } = begin();
    const reading = all(stream);
    const json = (more: Record<string, string> = {}): Record<string, string> =>
      at("t1", { "Content-Type": "application/json; charset=utf-8", ...more });
    await expect(world, "&offset=-1", answer(200, json(CLOSED), '[{"a":1}, {"b":'));
    await expect(world, "&offset=-1", answer(200, json(CLOSED), '[{"a":1}, {"b": 2}]'));
    assert.equal(String(await reading), '{"a":1}\n{"b":2}\n');
  });

  it("asks again after a wait without an answer, but not because its reader is slow", async () => {
    const { world, stream } = begin();
    const reader = stream.getReader();
    let more = (_text: string): void => {};
    let end = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        more = (text) => controller.enqueue(Buffer.from(text));
        end = () => controller.close();
      },
    });
    more("slow ");
    (await world.request()).answer(new Response(body, { headers: at("t1", { "Stream-Up-To-Date": "true" }) }));
    assert.equal(String(Buffer.from((await reader.read()).value ?? "")), "slow ");
    assert.equal(world.clock.nextMs, undefined, "the time of a reader that does not read is measured");
    more("reader");
    end();
    assert.equal(String(Buffer.from((await reader.read()).value ?? "")), "reader");
    const next = reader.read();
    const began = world.clock.now();
    assert.equal((await world.request()).url.search, "?x=1&offset=t1&live=long-poll");
    await expect(world, "&offset=t1&live=long-poll", answer(204, at("t1", CLOSED)));
    assert.ok(world.clock.now() - began >= LONG_POLL_MS);
    await expect(world, "&offset=t1", answer(200, at("t1", CLOSED), ""));
    assert.equal((await next).done, true);
  });

  it("fails with `replaced` if the server names other content", async () => {
    const { world, stream } = begin();
    const reading = all(stream);
    await expect(world, "&offset=-1", answer(200, at("t1", { "Stream-Generation": "a" }), "old"));
    await expect(world, "&offset=t1", answer(200, at("t2", { "Stream-Generation": "b" }), "new"));
    await assert.rejects(reading, failsWith("replaced"));
  });

  it("tells a stream that was removed from bytes that the server keeps no longer", async () => {
    const removed = begin();
    const reading = all(removed.stream);
    await expect(removed.world, "&offset=-1", answer(200, at("t1"), "x"));
    await expect(removed.world, "&offset=t1", answer(410));
    (await removed.world.request()).answer(answer(404));
    assert.equal(String(await reading), "x");
    assert.deepEqual(await removed.stream.ended, { reason: "deleted", offset: undefined });

    const trimmed = begin({ position: "t0" });
    const failing = assert.rejects(all(trimmed.stream), failsWith("gone"));
    await expect(trimmed.world, "&offset=t0", answer(410));
    (await trimmed.world.request()).answer(answer(200, at("t9")));
    await failing;
  });

  it("does not go on with such a server after it has read from another one", async () => {
    const world = new ScriptedWorld();
    const stream = followIn(world, URL_, {});
    const reading = all(stream);
    (await world.next()).accept().say({ type: "start", offset: 0 }).send("abc").close(1006);
    (await world.next()).refuse(200, at("t1"), "abc");
    await assert.rejects(reading, (error) => error instanceof StreamError);
  });
});
