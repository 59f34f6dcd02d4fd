/**
 * What the client must do over the `fetch` of an app, without a server. Each scenario has an app of its own.
 * @module
 */
import assert from "node:assert/strict";
import { Hono } from "hono";
import { append, type FetchFunction, type FollowState, follow, openAppend } from "../../src/client/mod.ts";
import { fstream, memoryStore } from "../../src/index.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { HeldStore } from "../fixture/held-store.ts";
import { until } from "../fixture/until.ts";
import { all, atLeast, refuses, type Scenarios } from "./scenarios.ts";

const url = "http://app.test/streams/a.log";

/** An app with streams, and the number of requests that it is serving. */
class App {
  readonly hono = new Hono();
  readonly fetch: FetchFunction = this.hono.fetch;
  /** The credentials that the next requests need; undefined for none. */
  token: string | undefined;
  asked: (string | undefined)[] = [];

  constructor(store = memoryStore()) {
    this.hono.use(async (c, next) => {
      this.asked.push(c.req.header("Authorization"));
      if (this.token !== undefined && c.req.header("Authorization") !== `Bearer ${this.token}`) {
        return c.text("Who are you?", 401, { "Stream-Error": "unauthorized" });
      }
      return await next();
    });
    this.hono.route("/streams", fstream({ store }));
  }
}

export const APP_SCENARIOS: Scenarios = {
  async "appends and reads back, through each function that an app offers"() {
    const { hono } = new App();
    const bytes = randomBytes(1_000_000, 1);
    const functions: FetchFunction[] = [
      hono.fetch,
      hono.request,
      (input, init) => hono.fetch(new Request(input, init)),
      async (request) => await hono.fetch(request),
    ];
    for (const [index, fetch] of functions.entries()) {
      const path = `${url}-${index}`;
      assert.deepEqual(await append(path, bytes, { fetch }), { bytes: bytes.length, offset: bytes.length });
      const stream = follow(path, { fetch });
      assert.ok((await all(stream)).equals(bytes));
      assert.deepEqual(await stream.ended, { reason: "complete", offset: bytes.length });
      assert.equal(String(await all(follow(path, { fetch, tail: 3 }))), String(Buffer.from(bytes.subarray(-3))));
    }
  },

  async "follows live, to the end of a complete append"() {
    const { fetch } = new App();
    const appender = await openAppend(url, { fetch });
    const writer = appender.getWriter();
    await writer.write("one, ");
    const states: FollowState[] = [];
    const stream = follow(url, { fetch, onState: (state) => states.push(state) });
    const reader = stream.getReader();
    assert.equal(String(await atLeast(reader, 5)), "one, ");
    const buffer = new TextEncoder().encode("two");
    await writer.write(buffer);
    buffer.fill(0);
    assert.equal(String(await atLeast(reader, 3)), "two");
    await writer.close();
    assert.equal(appender.offset, 8);
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await stream.ended, { reason: "complete", offset: 8 });
    assert.ok(states.some((state) => state.state === "open" && state.live && state.transport === "http"));
  },

  async "records an append whose source fails as lost, and tells its followers"() {
    const { fetch } = new App();
    let fail = (): void => {};
    const failing = new Promise<void>((resolve) => {
      fail = resolve;
    });
    async function* source(): AsyncGenerator<string> {
      yield "half";
      await failing;
      throw new Error("the source has run dry");
    }
    const appending = append(url, source(), { fetch });
    await until("the path to exist", async () => (await fetch(new Request(url))).status === 200);
    const stream = follow(url, { fetch });
    const reader = stream.getReader();
    assert.equal(String(await atLeast(reader, 4)), "half");
    fail();
    await assert.rejects(appending, { message: "the source has run dry" });
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(await stream.ended, { reason: "lost", offset: 4 });
    // The path is free at once.
    assert.deepEqual(await append(url, " more", { fetch }), { bytes: 5, offset: 9 });
    const bad = append(url, [4] as never, { fetch });
    await refuses("bad_request", () => bad);
    assert.equal((await append(url, "", { fetch })).offset, 9);
  },

  async "reports the code of a refusal"() {
    const { fetch } = new App();
    const first = await openAppend(url, { fetch });
    const writer = first.getWriter();
    await writer.write("x");
    await refuses("conflict", () => append(url, "y", { fetch }));
    await writer.close();
    await refuses("precondition_failed", () => append(url, "y", { fetch, offset: 5 }));
    await refuses("not_found", () => all(follow(`${url}-never`, { fetch })));
    await refuses("range", () => all(follow(url, { fetch, offset: 9 })));
    await refuses("path_conflict", () => append(`${url}/below`, "y", { fetch }));
    await refuses("bad_request", () => append(url, "y", { fetch, transport: "websocket" }));
    await refuses("bad_request", async () => follow(url, { fetch, transport: "websocket" }));
    await refuses("bad_request", () => append(url, "y", { fetch, resume: { session: "s" } }));
    await refuses("bad_request", () => append(url, "y", { fetch, onAcked: () => {} }));
    await refuses("protocol", () => append(url, "y", { fetch: () => new Response("hello") }));
    const broken: FetchFunction = () => {
      throw new Error("no network here");
    };
    await refuses("unreachable", () => append(url, "y", { fetch: broken }));
    await refuses("unreachable", () => all(follow(url, { fetch: broken })));
    assert.equal(await (await fetch(new Request(url))).text(), "x");
  },

  async "learns in the middle why the server could not store, and stops its source"() {
    const store = new HeldStore();
    const { fetch } = new App(store);
    store.holding = true;
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel() {
        cancelled = true;
      },
    });
    const appending = append(url, source, { fetch });
    (await store.next()).fail("no_space");
    await refuses("no_space", () => appending);
    assert.ok(cancelled);
  },

  async "reads no more of its source than the server takes"() {
    const store = new HeldStore();
    const { fetch } = new App(store);
    store.holding = true;
    let bytes = 0;
    const end = new AbortController();
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        bytes += 64 * 1024;
        if (end.signal.aborted) controller.close();
        else controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    const appending = append(url, source, { fetch });
    const held = await store.next();
    let before = -1;
    await until("the source to rest", () => {
      const rests = before === bytes;
      before = bytes;
      return rests;
    });
    assert.ok(bytes < 16 * 1024 * 1024, `${bytes} bytes`);
    end.abort();
    store.holding = false;
    await held.store();
    const done = await appending;
    assert.equal(done.offset, done.bytes);
  },

  async "leaves nothing behind when it is aborted or cancelled"() {
    const { fetch } = new App();
    const gone = AbortSignal.abort(new Error("no more"));
    await refuses("aborted", () => append(url, "x", { fetch, signal: gone }));
    await refuses("aborted", () => all(follow(url, { fetch, signal: gone })));
    const appending = new AbortController();
    const writer = (await openAppend(url, { fetch, signal: appending.signal })).getWriter();
    await writer.write("x");
    const following = new AbortController();
    const aborted = follow(url, { fetch, signal: following.signal }).getReader();
    const cancelled = follow(url, { fetch }).getReader();
    const watching = follow(url, { fetch });
    const watched = watching.getReader();
    for (const reader of [aborted, cancelled, watched]) await atLeast(reader, 1);
    const read = aborted.read();
    following.abort(new Error("no more"));
    await refuses("aborted", () => read);
    await cancelled.cancel();
    appending.abort(new Error("no more"));
    await refuses("aborted", () => writer.closed);
    assert.equal((await watched.read()).done, true);
    assert.deepEqual(await watching.ended, { reason: "lost", offset: 1 });
    const again = (await openAppend(url, { fetch })).getWriter();
    await again.abort();
    await until("the path to be free", () =>
      append(url, "y", { fetch }).then(
        () => true,
        () => false,
      ),
    );
    // A function that never answers does not hold up an abort.
    const never = new AbortController();
    const waiting = append(url, "x", { fetch: () => new Promise<never>(() => {}), signal: never.signal });
    never.abort(new Error("no more"));
    await refuses("aborted", () => waiting);
  },

  async "sends a token, and asks for another one when the first is refused"() {
    const app = new App();
    const { fetch } = app;
    app.token = "second";
    await refuses("unauthorized", () => append(url, "x", { fetch }));
    await refuses("unauthorized", () => append(url, "x", { fetch, token: "first" }));
    await refuses("unauthorized", () => all(follow(url, { fetch, token: "first" })));
    const tokens = ["first", "second", "first", "second"];
    const token = (): string => tokens.shift() ?? "none";
    assert.deepEqual(await append(url, "hello", { fetch, token }), { bytes: 5, offset: 5 });
    assert.equal(String(await all(follow(url, { fetch, token }))), "hello");
    assert.deepEqual(tokens, []);
    let calls = 0;
    const stale = (): string => `stale-${calls++}`;
    await refuses("unauthorized", () => append(url, "x", { fetch, token: stale }));
    assert.equal(calls, 2);
    assert.deepEqual(app.asked.slice(-2), ["Bearer stale-0", "Bearer stale-1"]);
  },
};
