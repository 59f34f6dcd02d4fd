import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RECEIVE_BUFFER_BYTES, SILENCE_MS } from "../../src/client/connection/limits.ts";
import { type FollowOptions, followIn } from "../../src/client/follow/mod.ts";
import type { FollowState } from "../../src/client/follow/state.ts";
import type { FollowStream } from "../../src/client/follow/stream.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";
import { until } from "../fixture/until.ts";
import { type ScriptedConnection, ScriptedWorld } from "./simulation/scripted.ts";

const URL_ = "http://host/a";

interface Begun {
  readonly world: ScriptedWorld;
  readonly connection: ScriptedConnection;
  readonly stream: FollowStream;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly states: FollowState[];
}

/** A follow whose first connection was accepted. */
async function begin(options: FollowOptions = {}): Promise<Begun> {
  const world = new ScriptedWorld();
  const states: FollowState[] = [];
  const stream = followIn(world, URL_, { ...options, onState: (state) => states.push(state) });
  const connection = await world.next();
  return { world, connection: connection.accept(), stream, reader: stream.getReader(), states };
}

async function read({ reader }: Pick<Begun, "reader">): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && Buffer.from(value).toString();
}

const failsWith = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof StreamError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

describe("a follow", () => {
  it("continues with other content as long as it has no byte of the old one", async () => {
    const begun = await begin();
    const { world, connection, stream } = begun;
    const begins = read(begun);
    connection.say({ type: "start", offset: 0, generation: "first" }).close(1006);
    const second = await world.next();
    assert.equal(second.request.url.search, "?verb=FOLLOW&offset=0");
    second.accept().say({ type: "start", offset: 0, generation: "second" }).send("ab").close(1006);
    assert.equal(await begins, "ab");
    assert.equal(stream.generation, "second");
    const ends = read(begun);
    const third = await world.next();
    assert.equal(third.request.url.search, "?verb=FOLLOW&offset=2&generation=second");
    third.accept().say({ type: "start", offset: 2, generation: "third" });
    await assert.rejects(stream.ended, failsWith("replaced"));
    await assert.rejects(ends, failsWith("replaced"));
  });

  it("continues only with the content that the server named at its start, or that the caller named", async () => {
    for (const options of [{ tail: 4 }, { offset: "now" }, { offset: 6, generation: "first" }] as const) {
      const { world, connection, stream, reader } = await begin(options);
      const ends = reader.read();
      connection.say({ type: "start", offset: 6, generation: "first" }).close(1006);
      const second = await world.next();
      assert.equal(second.request.url.search, "?verb=FOLLOW&offset=6&generation=first");
      second.accept().say({ type: "start", offset: 6, generation: "second" });
      await assert.rejects(stream.ended, failsWith("replaced"));
      await assert.rejects(ends, failsWith("replaced"));
    }
  });

  it("delivers the bytes, and how the append ended", async () => {
    const begun = await begin({ tail: 4 });
    const { connection, stream, states } = begun;
    assert.equal(connection.request.url.search, "?verb=FOLLOW&tail=4");
    assert.equal(connection.request.protocol, "httpfstream.v1");
    assert.equal(stream.offset, undefined);
    connection.say({ type: "start", offset: 6 }).send("abcd").say({ type: "heartbeat", offset: 10 }).send("ef");
    assert.equal(await read(begun), "abcd");
    assert.equal(stream.offset, 10);
    assert.equal(await read(begun), "ef");
    connection.say({ type: "end", offset: 12, reason: "lost" });
    assert.equal(await read(begun), undefined);
    assert.deepEqual(await stream.ended, { reason: "lost", offset: 12 });
    assert.deepEqual(states, [
      { state: "connecting" },
      { state: "open", transport: "websocket", live: true, offset: 6 },
      { state: "ended", reason: "lost", offset: 12 },
    ]);
  });

  it("continues where it was", async () => {
    const begun = await begin({ offset: "now" });
    const { world, connection, states } = begun;
    connection.say({ type: "start", offset: 6 }).send("abc").close(1012);
    assert.equal(await read(begun), "abc");
    const next = read(begun);
    const second = await world.next();
    assert.equal(second.request.url.search, "?verb=FOLLOW&offset=9");
    second.accept().say({ type: "start", offset: 9 }).send("def");
    assert.equal(await next, "def");
    const retrying = states.find(({ state }) => state === "retrying");
    assert.ok(retrying?.state === "retrying" && retrying.attempt === 1 && retrying.error.code === "restarting");
  });

  it("repeats its original request until a server has begun", async () => {
    const begun = await begin({ tail: 4 });
    begun.connection.close(1006);
    void read(begun).catch(() => {});
    assert.equal((await begun.world.next()).request.url.search, "?verb=FOLLOW&tail=4");
    await begun.reader.cancel();
  });

  it("fails when the server skips bytes", async () => {
    const gaps: [(server: ScriptedConnection) => void][] = [
      [(server) => server.say({ type: "end", offset: 4, reason: "complete" })],
      [(server) => server.say({ type: "start", offset: 4 })],
    ];
    for (const [gap] of gaps) {
      const begun = await begin();
      begun.connection.say({ type: "start", offset: 0 }).send("abc");
      gap(begun.connection);
      assert.equal(await read(begun), "abc");
      await assert.rejects(read(begun), failsWith("protocol"));
      await assert.rejects(begun.stream.ended, failsWith("protocol"));
      assert.equal(begun.world.connections.length, 1);
    }
    const early = await begin();
    early.connection.send("abc");
    await assert.rejects(read(early), failsWith("protocol"));
    const elsewhere = await begin({ offset: 3 });
    elsewhere.connection.say({ type: "start", offset: 4 });
    await assert.rejects(read(elsewhere), failsWith("protocol"));
  });

  it("takes the rest when the append has ended", async () => {
    const begun = await begin();
    begun.connection.say({ type: "start", offset: 0 }).send("abc").close(1006);
    assert.equal(await read(begun), "abc");
    const next = read(begun);
    const headers = { "Stream-Start-Offset": "3", "Stream-Next-Offset": "5", "Content-Length": "2" };
    (await begun.world.next()).refuse(200, headers, "de");
    assert.equal(await next, "de");
    assert.equal(await read(begun), undefined);
    assert.deepEqual(await begun.stream.ended, { reason: "unknown", offset: 5 });
  });

  it("reports a resource that was deleted or has shrunk since", async () => {
    const deleted = await begin();
    deleted.connection.say({ type: "start", offset: 0 }).send("abc").close(1006);
    await read(deleted);
    const next = read(deleted);
    (await deleted.world.next()).refuse(404, { "Stream-Error": "not_found" });
    assert.equal(await next, undefined);
    assert.deepEqual(await deleted.stream.ended, { reason: "deleted", offset: 3 });

    const shrunk = await begin();
    shrunk.connection.say({ type: "start", offset: 0 }).send("abc").close(1006);
    await read(shrunk);
    const failing = read(shrunk);
    (await shrunk.world.next()).refuse(416, { "Stream-Error": "range" });
    await assert.rejects(failing, failsWith("range"));
  });

  it("detects a dead connection by its silence", async () => {
    const begun = await begin();
    begun.connection.say({ type: "start", offset: 0 });
    const next = read(begun);
    await until("the follow to be open", () => begun.states.some(({ state }) => state === "open"));
    const second = await begun.world.next();
    assert.ok(begun.connection.dropped);
    assert.ok(begun.world.clock.now() >= SILENCE_MS);
    second.accept().say({ type: "start", offset: 0 }).send("abc");
    assert.equal(await next, "abc");
    await begun.reader.cancel();
  });

  it("does not mistake a pause of its own reader for silence of the server", async () => {
    const begun = await begin();
    const { connection, world } = begun;
    // One frame is read ahead, one fills the buffer, and one exceeds it.
    const large = new Uint8Array(RECEIVE_BUFFER_BYTES);
    connection.say({ type: "start", offset: 0 }).send(large).send(large).send("abc");
    await until("the socket to be paused", () => connection.paused);
    await until("the follow to be open", () => begun.states.some(({ state }) => state === "open"));
    for (let waits = 0; waits < 5; waits++) world.clock.advance();
    assert.ok(world.clock.now() > 2 * SILENCE_MS);
    assert.equal(connection.dropped, false);
    for (let frames = 0; frames < 2; frames++) {
      assert.equal((await begun.reader.read()).value?.length, RECEIVE_BUFFER_BYTES);
    }
    assert.equal(await read(begun), "abc");
    assert.equal(connection.paused, false);
    await begun.reader.cancel();
  });

  it("ends when it is cancelled or aborted", async () => {
    const cancelled = await begin();
    cancelled.connection.say({ type: "start", offset: 0 });
    await cancelled.reader.cancel();
    await assert.rejects(cancelled.stream.ended, failsWith("aborted"));
    const controller = new AbortController();
    const begun = await begin({ signal: controller.signal });
    begun.connection.say({ type: "start", offset: 0 });
    const next = read(begun);
    controller.abort();
    await assert.rejects(next, failsWith("aborted"));
    assert.equal(begun.world.connections.length, 1);
  });

  it("does not reconnect when retries are disabled", async () => {
    const begun = await begin({ retryForMs: 0 });
    begun.connection.say({ type: "start", offset: 0 }).send("abc").close(1006);
    await read(begun);
    await assert.rejects(read(begun), failsWith("unreachable"));
    assert.equal(begun.world.connections.length, 1);
  });
});

describe("a follow where WebSockets are blocked", () => {
  it("follows over HTTP, and asks at the end of a body whether the append has ended", async () => {
    const world = new ScriptedWorld();
    const stream = followIn(world, URL_, { offset: 2 });
    const reader = stream.getReader();
    (await world.next()).refuse(400, {}, "what is this?");
    const first = await world.request();
    assert.equal(first.url.search, "?verb=FOLLOW&offset=2");
    first.answer(new Response("abc", { headers: { "Stream-Start-Offset": "2" } }));
    assert.equal(await read({ reader }), "abc");
    const next = read({ reader });
    const second = await world.request();
    assert.equal(second.url.search, "?verb=FOLLOW&offset=5");
    second.answer(new Response("de", { headers: { "Stream-Start-Offset": "5", "Stream-Next-Offset": "7" } }));
    assert.equal(await next, "de");
    assert.equal(await read({ reader }), undefined);
    assert.deepEqual(await stream.ended, { reason: "unknown", offset: 7 });
    assert.equal(world.connections.length, 1, "it does not ask for a WebSocket again");
  });

  it("fails with the error of the WebSocket when HTTP fails, too", async () => {
    const world = new ScriptedWorld();
    const fetch = async (): Promise<Response> => {
      throw new TypeError("fetch failed");
    };
    const stream = followIn({ ...world, clock: world.clock, fetch }, URL_, {});
    const reading = stream.getReader().read();
    (await world.next()).fail();
    await assert.rejects(
      reading,
      (error) => failsWith("unreachable")(error) && /No server answers at/.test(String(error)),
    );
  });

  it("does not fall back to HTTP after a refusal of the server", async () => {
    const world = new ScriptedWorld();
    const stream = followIn(world, URL_, {});
    const reading = stream.getReader().read();
    (await world.next()).refuse(400, { "Stream-Error": "bad_path" });
    await assert.rejects(reading, failsWith("bad_path"));
    assert.equal(world.requests.length, 0);
  });
});
