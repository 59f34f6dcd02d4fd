/** Live listings: one listing for all watchers of a folder, slow clients, permissions, and the end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AccessRequest,
  createStreams,
  type FstreamOptions,
  type LogEvent,
  memoryStore,
  type Store,
  type Streams,
} from "../../src/index.ts";
import { eventsOf, RowEvents, rowsAfter } from "../fixture/row-events.ts";
import { until } from "../fixture/until.ts";

const WATCHERS = 200;

/** A store in memory that other processes change, too. It counts its listings per folder. */
class SharedStore {
  readonly lists = new Map<string, number>();
  readonly store: Store;
  /** The error of every listing. Default: listings succeed. */
  failure: Error | undefined;
  readonly #memory = memoryStore();

  constructor(isPrivate = false) {
    const memory = this.#memory;
    this.store = {
      isPrivate,
      sessions: memory.sessions,
      stat: (path) => memory.stat(path),
      claim: (path, options) => memory.claim(path, options),
      read: (...range) => memory.read(...range),
      remove: (path, check) => memory.remove(path, check),
      list: async (folder, options) => {
        this.lists.set(folder, this.count(folder) + 1);
        if (this.failure) throw this.failure;
        return await memory.list(folder, options);
      },
    };
  }

  count(folder: string): number {
    return this.lists.get(folder) ?? 0;
  }

  /** Appends like another process. */
  async append(path: string, text: string, reason: "complete" | "lost" = "complete"): Promise<void> {
    const handle = await this.#memory.claim(path);
    await handle.append(Buffer.from(text));
    await handle.release(reason);
  }

  async remove(path: string): Promise<void> {
    await this.#memory.remove(path);
  }

  /** Begins an append like another process. Call the result to end it. */
  async hold(path: string): Promise<() => Promise<void>> {
    const handle = await this.#memory.claim(path);
    return () => handle.release("lost");
  }

  /** Waits for the next listings of a folder. */
  async listed(folder: string, more: number): Promise<void> {
    const before = this.count(folder);
    await until(`${more} listings of "${folder}"`, () => this.count(folder) >= before + more);
  }
}

function serve(shared: SharedStore, options: FstreamOptions = {}): Streams {
  return createStreams({ ...options, store: shared.store });
}

async function open(streams: Streams, target = "/f/?live=sse", init?: RequestInit): Promise<Response> {
  const response = await streams.app.request(`http://localhost${target}`, init);
  assert.equal(response.status, 200);
  return response;
}

async function watch(streams: Streams, target?: string): Promise<RowEvents> {
  const { body } = await open(streams, target);
  assert.ok(body);
  const events = RowEvents.reading(body);
  await events.listed();
  return events;
}

describe("the listings behind live listings", () => {
  it("are shared by all watchers of a folder, and find the changes of other processes", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "one");
    const streams = serve(shared);
    const all = await Promise.all(Array.from({ length: WATCHERS }, () => watch(streams)));
    assert.equal(shared.count("f"), 1);
    await shared.append("f/a", " two");
    await shared.append("f/b", "new");
    const release = await shared.hold("f/c");
    for (const events of all) {
      await events.row("a", ({ size }) => size === 7);
      await events.row("c", ({ appending }) => appending);
    }
    await release();
    await shared.remove("f/b");
    for (const events of all) {
      const { reason } = await events.row("c", ({ appending }) => !appending);
      await events.gone("b");
      assert.ok(reason === undefined || reason === "lost");
    }
    await all[0]?.row("c", ({ reason }) => reason === "lost");
    // Each of these four changes is found by the next listing, or by the one after it.
    assert.ok(shared.count("f") <= 8, `${shared.count("f")} listings`);
    await streams.shutdown();
  });

  it("stop when the last watcher has left", async () => {
    const shared = new SharedStore();
    for (const path of ["f/a", "g/a"]) await shared.append(path, "one");
    const streams = serve(shared);
    const first = await open(streams);
    const second = await open(streams);
    await watch(streams, "/g/?live=sse");
    await shared.listed("f", 1);
    await first.body?.cancel();
    await shared.listed("f", 1);
    await second.body?.cancel();
    await shared.listed("g", 1);
    const count = shared.count("f");
    await shared.listed("g", 2);
    assert.equal(shared.count("f"), count);
    assert.equal((await (await watch(streams)).listed()).entries?.length, 1, "it can be watched again");
    await streams.shutdown();
  });

  it("of a private store are made only after events", async () => {
    const shared = new SharedStore(true);
    await shared.append("f/a", "one");
    await shared.append("g/a", "one");
    const streams = serve(shared);
    const events = await watch(streams);
    await streams.append("f/sub/b", "two");
    await events.row("sub");
    await shared.listed("f", 1);
    const count = shared.count("f");
    await streams.remove("f/sub/b");
    await events.gone("sub");
    assert.equal(shared.count("f"), count + 1);
    await streams.shutdown();
  });

  it("may fail for a while; the first failure is reported", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "one");
    const errors: LogEvent[] = [];
    const streams = serve(shared, { log: (event) => void (event.type === "error" && errors.push(event)) });
    const events = await watch(streams);
    shared.failure = new Error("the disk is away");
    await shared.listed("f", 3);
    await streams.append("f/a", " two");
    await events.row("a", ({ size }) => size === 7);
    shared.failure = undefined;
    await shared.append("f/b", "new");
    await events.row("b");
    assert.equal(errors.length, 1);
    assert.match(JSON.stringify(errors[0]), /can't be listed for its live listings/);
    shared.failure = new Error("the disk is away");
    assert.equal((await streams.app.request("http://localhost/g/?live=sse")).status, 500);
    await streams.shutdown();
  });

  it("have at most the limit of rows, and later rows appear when this process appends to them", async () => {
    const shared = new SharedStore();
    for (const name of ["a", "b", "c", "d"]) await shared.append(`f/${name}`, "x");
    const streams = serve(shared, { limits: { liveListingRows: 2 } });
    const { body } = await open(streams);
    assert.ok(body);
    const events = RowEvents.reading(body);
    const list = await events.listed();
    assert.deepEqual([list.entries?.map(({ name }) => name), list.next], [["a", "b"], "b"]);
    await streams.append("f/d", "yz");
    await events.row("d", ({ size, appending }) => size === 3 && !appending);
    await shared.listed("f", 3);
    assert.ok(events.rows.has("d"), "a row that is not listed has not gone");
    await streams.shutdown();
  });
});

describe("a live listing", () => {
  it("sends many rows in pieces, which a slow client reads one by one", async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `row-${index}-${"x".repeat(100)}`);
    for (const authorize of [() => true, () => ({ allow: true as const, mayRead: () => true })]) {
      const shared = new SharedStore();
      for (const name of names) await shared.append(`f/${name}`, "1");
      const streams = serve(shared, { authorize });
      const [slow, other] = [(await open(streams)).body?.getReader(), await watch(streams)];
      let text = "";
      const take = async (): Promise<number> => {
        const { value = new Uint8Array(0) } = (await slow?.read()) ?? {};
        text += new TextDecoder().decode(value);
        return value.length;
      };
      while (!text.includes("\n\n")) await take();
      for (const name of names) await shared.append(`f/${name}`, "2");
      for (const name of names) await other.row(name, ({ size }) => size === 2);
      text = "";
      while (text.split("event: change").length <= names.length) assert.ok((await take()) <= 64 * 1024);
      await slow?.cancel();
      await streams.shutdown();
    }
  });

  it("names no row that the client may not see, not even the last one of those that are listed", async () => {
    const shared = new SharedStore();
    for (const name of ["a", "b", "secret", "z"]) await shared.append(`f/${name}`, "x");
    const mayRead = (path: string): boolean => path !== "f/secret";
    const authorize = ({ c }: AccessRequest) => ({
      allow: true as const,
      mayRead: c.req.query("all") ? () => true : mayRead,
    });
    for (const [liveListingRows, names, next] of [
      [3, ["a", "b"], "b"],
      [2, ["a", "b"], "b"],
      [4, ["a", "b", "z"], undefined],
    ] as const) {
      const streams = serve(shared, { limits: { liveListingRows }, authorize });
      const list = await (await watch(streams)).listed();
      assert.deepEqual([list.entries?.map(({ name }) => name), list.next], [names, next]);
      const all = await (await watch(streams, "/f/?live=sse&all=1")).listed();
      assert.equal(all.next, liveListingRows === 3 ? "secret" : next);
      await streams.shutdown();
    }
  });

  it("sends a slow client the latest state of each row only", async () => {
    const names = Array.from({ length: 500 }, (_, index) => `row-${String(index).padStart(4, "0")}-${"x".repeat(100)}`);
    const shared = new SharedStore();
    for (const name of names) await shared.append(`f/${name}`, "1");
    const streams = serve(shared);
    // Without a reader, a body counts as dropped after a while.
    const body = (await open(streams)).body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>());
    const other = await watch(streams);
    const rounds = 3;
    for (let round = 1; round <= rounds; round++) {
      for (const name of names) await shared.append(`f/${name}`, "1");
      await other.row(names[0] ?? "", ({ size }) => size === round + 1);
    }
    assert.ok(body);
    const slow = RowEvents.reading(body);
    for (const name of names) await slow.row(name, ({ size }) => size === rounds + 1);
    const told = names.reduce((sum, name) => sum + slow.changesOf(name).length, 0);
    // The list was in the buffers, and then comes the last state.
    assert.ok(told <= names.length, `${told} changes of ${names.length} rows`);
    assert.ok(other.changesOf(names[0] ?? "").length >= rounds);
    await streams.shutdown();
  });

  it("shows a client only rows that it may read, also when they are removed", async () => {
    const shared = new SharedStore();
    for (const name of ["open-a", "shut-a", "open-b", "shut-b"]) await shared.append(`f/${name}`, "x");
    const authorize = ({ c }: AccessRequest) => ({
      allow: true as const,
      ...(c.req.query("all") === undefined && { mayRead: (path: string) => path.startsWith("f/open") }),
    });
    const streams = serve(shared, { authorize });
    const { body } = await open(streams);
    assert.ok(body);
    const events = RowEvents.reading(body);
    const all = await watch(streams, "/f/?live=sse&all");
    for (const name of ["shut-a", "shut-new", "open-a", "open-new"]) await streams.append(`f/${name}`, "yz");
    for (const name of ["shut-b", "open-b"]) await shared.remove(`f/${name}`);
    await all.gone("shut-b");
    await all.row("shut-new", ({ appending }) => !appending);
    await events.gone("open-b");
    await events.row("open-new", ({ size, appending }) => size === 2 && !appending);
    assert.ok(!JSON.stringify(events.all).includes("shut"));
    await streams.shutdown();
  });

  it("ends with the server, with its folder, and with its permission", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "x");
    const ended = async (response: Response): Promise<string> => await response.text();
    let expiresAtMs: number | undefined;
    const streams = serve(shared, { authorize: () => ({ allow: true as const, ...(expiresAtMs && { expiresAtMs }) }) });
    const toShutdown = ended(await open(streams, "/?live=sse"));
    const toFolder = ended(await open(streams));
    expiresAtMs = Date.now() + 300;
    await assert.rejects(ended(await open(streams)), "its body breaks off");
    expiresAtMs = undefined;
    await shared.remove("f/a");
    const events = eventsOf(await toFolder);
    assert.deepEqual([events[0]?.event, rowsAfter(events.slice(0, 1)).size], ["list", 1]);
    await streams.shutdown();
    assert.equal(eventsOf(await toShutdown)[0]?.event, "list");
    const late = await streams.app.request("http://localhost/f/?live=sse");
    assert.equal(late.status, 503);
  });

  it("has heartbeats while nothing happens", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "x");
    const streams = serve(shared, { limits: { heartbeatMs: 20 } });
    const events = await watch(streams);
    await until("two heartbeats", () => events.all.filter(({ event }) => event === "heartbeat").length >= 2);
    await streams.shutdown();
  });

  it("is a follow in the log and in the limits", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "x");
    const log: LogEvent[] = [];
    const streams = serve(shared, { limits: { pathFollowers: 1 }, log: (event) => void log.push(event) });
    const { body } = await open(streams);
    const refused = await streams.app.request("http://localhost/f/?live=sse");
    assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [503, "1"]);
    await body?.cancel();
    const end = await until("the end in the log", () =>
      log.find((event) => event.type === "follow" && event.phase === "end"),
    );
    assert.ok(end.type === "follow" && end.phase === "end");
    assert.deepEqual([end.path, end.transport, end.reason], ["f", "http", "gone"]);
    assert.equal((await open(streams)).status, 200);
    await streams.shutdown();
  });

  it("is 404 where listings are off", async () => {
    const shared = new SharedStore();
    await shared.append("f/a", "x");
    const streams = serve(shared, { listings: false });
    assert.equal((await streams.app.request("http://localhost/f/?live=sse")).status, 404);
    await streams.shutdown();
  });

  it("of a scope shows its folder, which need not exist", async () => {
    const shared = new SharedStore();
    const streams = serve(shared, { scope: () => "users/ada" });
    const events = await watch(streams, "/?live=sse");
    assert.deepEqual(await events.listed(), { path: "/", entries: [] });
    const put = await streams.app.request("http://localhost/a.log?verb=APPEND", { method: "PUT", body: "hello" });
    assert.equal(put.status, 200);
    await events.row("a.log", ({ size }) => size === 5);
    await streams.shutdown();
  });

  it("does not show a kept claim as an append", async () => {
    const shared = new SharedStore();
    const streams = createStreams({ store: memoryStore() });
    const put = { method: "PUT", headers: { "Content-Type": "text/plain" }, body: "one" };
    assert.equal((await streams.app.request("http://localhost/f/a", put)).status, 201);
    const events = await watch(streams);
    assert.equal(events.rows.get("a")?.appending, false);
    await streams.app.request("http://localhost/f/a", { ...put, method: "POST" });
    await events.row("a", ({ size, appending }) => size === 6 && !appending);
    assert.ok(events.changesOf("a").every(({ appending }) => !appending));
    await streams.shutdown();
    assert.equal(shared.count("f"), 0);
  });
});
