/** The option `stay` of a follow: it outlasts appends, connections and servers. */
import assert from "node:assert/strict";
import { appendFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type FollowOptions, followIn } from "../../src/client/follow/mod.ts";
import type { FollowStream } from "../../src/client/follow/stream.ts";
import { append, type FollowState, follow, openAppend } from "../../src/client/mod.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { Rig } from "./rig.ts";
import { type ScriptedConnection, ScriptedWorld } from "./simulation/scripted.ts";

const failsWith = (code: ErrorCode) => (error: unknown) => error instanceof StreamError && error.code === code;

/** A standing follow of a scripted server whose first connection was accepted. */
async function begin(options: FollowOptions = {}) {
  const world = new ScriptedWorld();
  const states: FollowState[] = [];
  const onState = (state: FollowState): void => void states.push(state);
  const stream = followIn(world, "http://host/a", { stay: true, ...options, onState });
  const connection = (await world.next()).accept();
  return { world, states, stream, reader: stream.getReader(), connection };
}

async function read({ reader }: { reader: ReadableStreamDefaultReader<Uint8Array> }): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && Buffer.from(value).toString();
}

describe("a standing follow", () => {
  it("asks for it on every connection, and reports when nothing is appended", async () => {
    const begun = await begin();
    const { world, states, connection } = begun;
    assert.equal(connection.request.url.search, "?verb=FOLLOW&stay=1");
    connection.say({ type: "start", offset: 0 }).say({ type: "idle", offset: 0, reason: "unknown" });
    connection.say({ type: "start", offset: 0, generation: "G" }).send("ab");
    assert.equal(await read(begun), "ab");
    connection.say({ type: "idle", offset: 2, reason: "lost" }).send("cd").close(1012);
    assert.equal(await read(begun), "cd");
    const next = read(begun);
    const second = await world.next();
    assert.equal(second.request.url.search, "?verb=FOLLOW&offset=4&generation=G&stay=1");
    second.accept().say({ type: "start", offset: 4, generation: "G" }).send("ef");
    assert.equal(await next, "ef");
    const ends = read(begun);
    second.say({ type: "end", offset: 6, reason: "deleted" });
    assert.equal(await ends, undefined);
    assert.deepEqual(await begun.stream.ended, { reason: "deleted", offset: 6 });
    const open = (offset: number) => ({ state: "open", transport: "websocket", live: true, offset });
    assert.deepEqual(
      states.filter(({ state }) => state !== "retrying"),
      [
        { state: "connecting" },
        open(0),
        { state: "idle", offset: 0, reason: "unknown" },
        open(0),
        { state: "idle", offset: 2, reason: "lost" },
        open(2),
        { state: "connecting" },
        open(4),
        { state: "ended", reason: "deleted", offset: 6 },
      ],
    );
  });

  it("takes no second start with other content once it has a byte, and no idle at another offset", async () => {
    const faults: [(server: ScriptedConnection) => void, ErrorCode][] = [
      [(server) => server.say({ type: "start", offset: 2, generation: "other" }), "replaced"],
      [(server) => server.say({ type: "start", offset: 0, generation: "G" }), "protocol"],
      [(server) => server.say({ type: "idle", offset: 3, reason: "complete" }), "protocol"],
    ];
    for (const [fault, code] of faults) {
      const begun = await begin();
      begun.connection.say({ type: "start", offset: 0, generation: "G" }).send("ab");
      fault(begun.connection);
      assert.equal(await read(begun), "ab");
      await assert.rejects(read(begun), failsWith(code));
    }
  });

  it("asks a server that does not know it again, after growing pauses", async () => {
    const begun = await begin();
    const { world, states, connection } = begun;
    connection.say({ type: "start", offset: 0, generation: "G" }).send("ab");
    connection.say({ type: "end", offset: 2, reason: "complete" });
    assert.equal(await read(begun), "ab");
    const next = read(begun);
    const headers = { "Stream-Start-Offset": "2", "Stream-Generation": "G", "Stream-Ended": "complete" };
    const asked: number[] = [];
    for (let poll = 0; poll < 6; poll++) {
      const connection = await world.next();
      asked.push(world.clock.now());
      assert.equal(connection.request.url.search, "?verb=FOLLOW&offset=2&generation=G&stay=1");
      connection.refuse(200, { ...headers, "Stream-Next-Offset": "2", "Content-Length": "0" }, "");
    }
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] as number));
    assert.deepEqual(
      pauses,
      pauses.toSorted((one, other) => one - other),
    );
    assert.ok(pauses.every((pause) => pause <= 15_000));
    (await world.next()).accept().say({ type: "start", offset: 2, generation: "G" }).send("cd");
    assert.equal(await next, "cd");
    assert.ok(states.some((state) => state.state === "idle" && state.offset === 2 && state.reason === "complete"));
    await begun.reader.cancel();
  });

  it("without retries an old server ends it", async () => {
    const { connection, reader, stream } = await begin({ retryForMs: 0 });
    connection.say({ type: "start", offset: 0 }).say({ type: "end", offset: 0, reason: "complete" });
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await stream.ended, { reason: "complete", offset: 0 });
  });

  it("has its own option, and takes no parameter of the URL", () => {
    assert.throws(() => follow("http://host/a?stay=1"), /use the option "stay"/);
  });
});

/** A standing follow, with what it has read. */
class Reading {
  readonly stream: FollowStream;
  readonly states: FollowState[] = [];
  readonly done: Promise<void>;
  readonly #stopped = new AbortController();
  #bytes: Buffer = Buffer.alloc(0);

  constructor(url: string, options: FollowOptions = {}) {
    const { signal } = this.#stopped;
    this.stream = follow(url, { stay: true, signal, ...options, onState: (state) => this.states.push(state) });
    this.done = this.#run();
    this.done.catch(() => {});
  }

  async #run(): Promise<void> {
    for await (const chunk of this.stream) this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  async has(expected: string | Buffer): Promise<void> {
    const { length } = Buffer.from(expected);
    await until(`${length} bytes of a follow that has ${this.#bytes.length}`, () => this.#bytes.length >= length);
    assert.ok(this.#bytes.equals(Buffer.from(expected)), `${this.#bytes.subarray(0, 200)}`);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await assert.rejects(this.done, failsWith("aborted"));
  }

  async isIdle(offset: number): Promise<void> {
    await until(`idle at ${offset}`, () => {
      const last = this.states.at(-1);
      return last?.state === "idle" && last.offset === offset;
    });
  }
}

describe("a standing follow of servers that share a folder", () => {
  let rig: Rig;
  let other: TestServer;
  before(async () => {
    rig = await Rig.start();
    other = await startStandalone("node", { root: rig.root });
  });
  after(async () => {
    await other.stop();
    await rig.stop();
  });

  it("gets what either of them, or another program, appends, over restarts, and once", async () => {
    const readings = [
      new Reading(rig.url("all/a.log")),
      new Reading(rig.url("all/a.log"), { transport: "http" }),
      new Reading(`${other.url}/all/a.log`),
    ];
    await readings[0]?.isIdle(0);
    await readings[2]?.isIdle(0);
    let expected = Buffer.alloc(0);
    const check = async (bytes: Buffer): Promise<void> => {
      expected = Buffer.concat([expected, bytes]);
      for (const reading of readings) await reading.has(expected);
    };
    const piece = (seed: number): Buffer => randomBytes(50_000 + seed, seed);
    for (const how of ["kill -9", "SIGTERM"] as const) {
      await append(rig.url("all/a.log"), piece(1));
      await check(piece(1));
      await append(`${other.url}/all/a.log`, piece(2));
      await check(piece(2));
      await appendFile(join(rig.root, "all/a.log"), piece(3));
      await check(piece(3));
      await append(`${other.url}/all/a.log`, piece(4));
      await check(piece(4));
      const writer = (await openAppend(rig.url("all/a.log"))).getWriter();
      await writer.write(piece(5));
      await check(piece(5));
      await rig.restart(how);
      await writer.write(piece(6));
      await writer.close();
      await check(piece(6));
    }
    await readings[0]?.isIdle(expected.length);
    for (const reading of readings) await reading.stop();
  });

  it("ends when the path is deleted, replaced or cut short by hand", async () => {
    const changes: [string, (file: string) => Promise<void>][] = [
      ["deleted", (file) => rm(file)],
      ["replaced", (file) => truncate(file, 2)],
      ["replaced", (file) => writeFile(file, "other content, which is longer")],
    ];
    for (const [index, [reason, change]] of changes.entries()) {
      const path = `ends/${index}.log`;
      await append(rig.url(path), "some bytes");
      const reading = new Reading(rig.url(path));
      await reading.has("some bytes");
      await reading.isIdle(10);
      await change(join(rig.root, path));
      await reading.done;
      assert.deepEqual(await reading.stream.ended, { reason, offset: 10 });
    }
  });

  it("ends over HTTP, too, when the path is deleted", async () => {
    await append(rig.url("ends/http.log"), "some bytes");
    const reading = new Reading(rig.url("ends/http.log"), { transport: "http" });
    await reading.has("some bytes");
    await rm(join(rig.root, "ends/http.log"));
    await reading.done;
    assert.deepEqual(await reading.stream.ended, { reason: "deleted", offset: 10 });
  });
});
