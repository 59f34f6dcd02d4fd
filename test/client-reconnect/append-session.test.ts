import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AppendOptions, AppendStream, openIn } from "../../src/client/append/mod.ts";
import type { AppendState, ResumePoint } from "../../src/client/append/state.ts";
import { FRAME_BYTES, SILENCE_MS } from "../../src/client/connection/limits.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";
import { until } from "../fixture/until.ts";
import { type ScriptedConnection, ScriptedWorld } from "./simulation/scripted.ts";

const URL_ = "http://host/a?x=1";

/** Begins an append; the server's `start` has the offset `at` and the window. */
async function begin(
  options: AppendOptions & { at?: number; window?: number } = {},
): Promise<{ world: ScriptedWorld; connection: ScriptedConnection; stream: AppendStream }> {
  const { at = 0, window = 1000, ...rest } = options;
  const world = new ScriptedWorld();
  const opening = openIn(world, URL_, rest);
  const connection = await world.next();
  connection.accept().say({ type: "start", offset: at, session: "s1", window });
  return { world, connection, stream: new AppendStream(await opening) };
}

const failsWith = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof StreamError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

/** Waits until a connection has received exactly this text. */
async function received(connection: ScriptedConnection, text: string): Promise<void> {
  await until(`${text} to arrive`, () => connection.bytes.toString() === text);
}

describe("an append session", () => {
  it("offers the subprotocol, sends, and ends when the server has confirmed it", async () => {
    const states: AppendState[] = [];
    const acked: number[] = [];
    const { world, connection, stream } = await begin({
      at: 5,
      onState: (state) => states.push(state),
      onAcked: ({ offset }) => acked.push(offset),
    });
    assert.equal(connection.request.protocol, "httpfstream.v1");
    assert.equal(connection.request.url.search, "?x=1&verb=APPEND");
    const writer = stream.getWriter();
    await writer.write("hello");
    await received(connection, "hello");
    assert.deepEqual(stream.resumePoint, { session: "s1", offset: 5 });
    const closing = writer.close();
    await until("the end to be sent", () => connection.controls[0] === '{"type":"end"}');
    connection.say({ type: "ack", offset: 10 }).say({ type: "end", offset: 10 });
    await closing;
    assert.equal(stream.offset, 10);
    assert.deepEqual(acked, [5, 10]);
    assert.deepEqual(states, [
      { state: "connecting" },
      { state: "open", protocol: "httpfstream.v1", offset: 5 },
      { state: "ended", reason: "complete", offset: 10 },
    ]);
    assert.equal(world.connections.length, 1);
  });

  it("resumes its session after a break, exactly at the offset of the server", async () => {
    const { world, connection, stream } = await begin();
    const writer = stream.getWriter();
    await writer.write("abcdef");
    await received(connection, "abcdef");
    connection.say({ type: "ack", offset: 2 }).close(1006);
    const second = await world.next();
    assert.equal(second.request.url.search, "?x=1&verb=APPEND&session=s1");
    assert.equal(second.request.requireProtocol, true);
    second.accept().say({ type: "start", offset: 4, session: "s1", window: 1000 });
    await received(second, "ef");
    assert.equal(stream.offset, 4);
    void writer.close();
    await until("the end to be sent", () => second.controls.length === 1);
    second.close(1012);
    const third = await world.next();
    third.accept().say({ type: "start", offset: 6, session: "s1", window: 1000 });
    await until("the end to be sent again", () => third.controls.length === 1);
    third.say({ type: "end", offset: 6 });
    await writer.closed;
  });

  it("sends small frames, and no more than the window", async () => {
    const { connection, stream } = await begin({ window: 100_000 });
    const writer = stream.getWriter();
    const writing = writer.write(new Uint8Array(250_000).fill(1));
    await until("the window to be full", () => connection.bytes.length === 100_000);
    connection.say({ type: "ack", offset: 50_000 });
    await until("it to move on", () => connection.bytes.length === 150_000);
    connection.say({ type: "ack", offset: 150_000 });
    await until("everything", () => connection.bytes.length === 250_000);
    await writing;
    assert.ok(connection.data.every((frame) => frame.length <= FRAME_BYTES));
  });

  it("takes its session back from an older attempt of its own that arrives late", async () => {
    const { world, connection, stream } = await begin();
    const writer = stream.getWriter();
    await writer.write("abc");
    await received(connection, "abc");
    connection.close(1006);
    // Without a response, the client can't know whether the request has arrived.
    (await world.next()).fail();
    const third = await world.next();
    third.accept().say({ type: "start", offset: 0, session: "s1", window: 1000 });
    await received(third, "abc");
    third.close(4001, "superseded");
    const fourth = await world.next();
    fourth.accept().say({ type: "start", offset: 3, session: "s1", window: 1000 });
    void writer.close();
    await until("the end to be sent", () => fourth.controls.length === 1);
    fourth.say({ type: "end", offset: 3 });
    await writer.closed;
    assert.equal(stream.offset, 3);
  });

  it("gives up the path when it is superseded, and when the server gives up", async () => {
    for (const [close, code] of [
      [4001, "fenced"],
      [1011, "storage"],
      [1008, "protocol"],
    ] as const) {
      const { world, connection, stream } = await begin();
      const writer = stream.getWriter();
      connection.close(close, "because");
      await assert.rejects(writer.closed, failsWith(code));
      assert.equal(world.connections.length, 1);
    }
    const { world, connection, stream } = await begin();
    connection.close(1006);
    (await world.next()).refuse(410, { "Stream-Error": "gone" });
    await assert.rejects(stream.getWriter().closed, failsWith("gone"));
  });

  it("fails when the server has too many or too few bytes", async () => {
    for (const offset of [1, 9]) {
      const { world, connection, stream } = await begin();
      const writer = stream.getWriter();
      await writer.write("abcdef");
      await received(connection, "abcdef");
      connection.say({ type: "ack", offset: 2 }).close(1006);
      const second = await world.next();
      second.accept().say({ type: "start", offset, session: "s1", window: 1000 });
      await assert.rejects(writer.closed, failsWith("changed"));
      assert.equal(second.bytes.length, 0);
      assert.ok(second.dropped);
    }
  });

  it("fails when the server breaks the protocol", async () => {
    const lies: [(connection: ScriptedConnection) => void, ErrorCode][] = [
      [(server) => server.send("data"), "protocol"],
      [(server) => server.say({ type: "ack", offset: 4 }), "protocol"],
      [(server) => server.say({ type: "end", offset: 3 }), "protocol"],
      [(server) => server.say({ type: "start", offset: 0, session: "s1", window: 9 }), "protocol"],
      [(server) => server.say({ type: "ack" }), "protocol"],
    ];
    for (const [lie, code] of lies) {
      const { world, connection, stream } = await begin();
      const writer = stream.getWriter();
      await writer.write("abc");
      await received(connection, "abc");
      lie(connection);
      await assert.rejects(writer.closed, failsWith(code));
      assert.ok(connection.dropped);
      assert.equal(world.connections.length, 1);
    }
    const { connection, stream } = await begin();
    const closing = stream.getWriter().close();
    await until("the end to be sent", () => connection.controls.length === 1);
    connection.say({ type: "end", offset: 7 });
    await assert.rejects(closing, failsWith("changed"));

    const world = new ScriptedWorld();
    const opening = openIn(world, URL_, {});
    (await world.next()).accept().say({ type: "start", offset: 0, window: 9 });
    await assert.rejects(opening, failsWith("protocol"), "a start without a session");
  });

  it("ignores unknown messages", async () => {
    const { connection, stream } = await begin();
    connection.say({ type: "weather" }).say({ type: "heartbeat", offset: 0 }).say({ type: "ack", offset: 0 });
    const closing = stream.getWriter().close();
    await until("the end to be sent", () => connection.controls.length === 1);
    connection.say({ type: "end", offset: 0 });
    await closing;
  });

  it("detects a dead connection by its silence, and only while it waits for something", async () => {
    const { world, connection, stream } = await begin();
    for (let waits = 0; waits < 5; waits++) world.clock.advance();
    assert.ok(world.clock.now() >= 5 * SILENCE_MS);
    assert.equal(connection.dropped, false, "nothing is expected of the server");
    const writer = stream.getWriter();
    await writer.write("abc");
    await received(connection, "abc");
    const second = await world.next();
    assert.ok(connection.dropped);
    second.accept().say({ type: "start", offset: 0, session: "s1", window: 1000 });
    await received(second, "abc");
    // Messages on the first connection no longer count.
    connection.say({ type: "ack", offset: 3 });
    assert.equal(stream.offset, 0);
    await writer.abort();
  });

  it("is complete without a confirmation if the server has every byte, and not otherwise", async () => {
    for (const [size, settled] of [
      ["3", true],
      ["4", false],
    ] as const) {
      const { world, connection, stream } = await begin();
      const writer = stream.getWriter();
      await writer.write("abc");
      const closing = writer.close();
      closing.catch(() => {});
      await until("the end to be sent", () => connection.controls.length === 1);
      connection.close(1006);
      (await world.next()).refuse(410, { "Stream-Error": "gone" });
      const head = await world.request();
      assert.equal(head.method, "HEAD");
      head.answer(new Response(null, { headers: { "Stream-Next-Offset": `000000000000000${size}` } }));
      if (settled) {
        await closing;
        assert.equal(stream.offset, 3);
      } else {
        await assert.rejects(closing, failsWith("gone"));
      }
    }
  });

  it("is dropped without an end message when it is aborted", async () => {
    const controller = new AbortController();
    const { connection, stream } = await begin({ signal: controller.signal });
    const writer = stream.getWriter();
    await writer.write("abc");
    controller.abort();
    await assert.rejects(writer.closed, failsWith("aborted"));
    assert.deepEqual(connection.controls, []);
    const second = await begin();
    await second.stream.getWriter().abort();
    assert.ok(second.connection.dropped);
    assert.deepEqual(second.connection.controls, []);
  });
});

describe("an append that resumes an earlier session", () => {
  const resume = { session: "s1", offset: 10 };

  it("sends the rest of its source", async () => {
    const { connection, stream } = await begin({ resume, at: 12 });
    assert.equal(connection.request.url.search, "?x=1&verb=APPEND&session=s1");
    const writer = stream.getWriter();
    await writer.write("a");
    await writer.write("bcd");
    await received(connection, "cd");
    const closing = writer.close();
    await until("the end to be sent", () => connection.controls.length === 1);
    connection.say({ type: "end", offset: 14 });
    await closing;
  });

  it("learns where its source must begin before it is read, if the caller does not say", async () => {
    const points: ResumePoint[] = [];
    const onAcked = (point: ResumePoint): void => void points.push(point);
    const { connection, stream } = await begin({ resume: { session: "s1" }, at: 12, onAcked });
    assert.deepEqual(points, [{ session: "s1", offset: 12 }]);
    const writer = stream.getWriter();
    await writer.write("cd");
    await received(connection, "cd");
    await writer.abort();
  });

  it("fails when the server has fewer bytes than it had acknowledged, or more than the source", async () => {
    await assert.rejects(begin({ resume, at: 9 }), failsWith("changed"));
    const { stream } = await begin({ resume, at: 13 });
    const writer = stream.getWriter();
    await writer.write("ab");
    await assert.rejects(writer.close(), failsWith("changed"));
  });

  it("fails at once when the session is gone, and waits when another process has it", async () => {
    const world = new ScriptedWorld();
    const opening = openIn(world, URL_, { resume });
    (await world.next()).refuse(403, { "Stream-Error": "conflict", "Retry-After": "1" });
    (await world.next()).refuse(410, { "Stream-Error": "gone" });
    await assert.rejects(opening, failsWith("gone"));
    assert.ok(world.clock.now() >= 1_000);
  });
});

describe("an append that must begin at a given offset", () => {
  it("asks the server to check it", async () => {
    const { connection } = await begin({ offset: 7, at: 7 });
    assert.equal(connection.request.url.search, "?x=1&verb=APPEND&offset=7");
    assert.equal(connection.request.requireProtocol, true);
    const world = new ScriptedWorld();
    const opening = openIn(world, URL_, { offset: 7 });
    (await world.next()).refuse(412, { "Stream-Error": "precondition_failed" });
    await assert.rejects(opening, failsWith("precondition_failed"));
  });

  it("accepts neither another offset nor a server that can't check it", async () => {
    await assert.rejects(begin({ offset: 7, at: 8 }), failsWith("changed"));
    const world = new ScriptedWorld();
    const opening = openIn(world, URL_, { offset: 7 });
    const connection = await world.next();
    connection.accept("");
    await assert.rejects(opening, failsWith("protocol"));
    assert.ok(connection.dropped);
  });
});
