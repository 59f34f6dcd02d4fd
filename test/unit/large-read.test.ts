/** Large reads have a place among the connections from start to end, however they end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Limits } from "../../src/engine/limits.ts";
import { createStreams, type LogEvent, memoryStore, type Store, type Streams } from "../../src/index.ts";
import { until } from "../fixture/until.ts";

const KIB = 1024;
const LARGE = 64 * KIB + 1;

interface Server {
  readonly streams: Streams;
  readonly store: Store;
  readonly requests: (LogEvent & { type: "request" })[];
  get(target: string, init?: RequestInit): Promise<Response>;
}

/** A server with room for one connection, that has the files `large.bin` and `small.bin` and a large stream of JSON. */
async function server(limits: Partial<Limits> = {}): Promise<Server> {
  const store = memoryStore();
  const requests: Server["requests"] = [];
  const log = (event: LogEvent): void => void (event.type === "request" && requests.push(event));
  const streams = createStreams({ store, limits: { connections: 1, ...limits }, log });
  const get: Server["get"] = async (target, init) => await streams.app.request(`http://localhost${target}`, init);
  for (const [path, bytes] of [
    ["/large.bin", LARGE],
    ["/small.bin", LARGE - 1],
  ] as const) {
    assert.equal((await get(`${path}?verb=APPEND`, { method: "PUT", body: new Uint8Array(bytes) })).status, 200);
  }
  const headers = { "Content-Type": "application/json" };
  const messages = JSON.stringify(Array.from({ length: 100 }, (_, index) => `${index}${"x".repeat(KIB)}`));
  assert.equal((await get("/large.json", { method: "PUT", headers, body: messages })).status, 201);
  requests.length = 0;
  return { streams, store, requests, get };
}

/** Expects that there is no place, for any kind of large read. */
async function expectFull({ get }: Server): Promise<void> {
  for (const target of [
    "/large.bin",
    "/large.bin?offset=0",
    "/large.json",
    "/large.json?raw",
    "/large.bin?verb=FOLLOW",
  ]) {
    const refused = await get(target);
    assert.equal(refused.status, 503, target);
    assert.equal(refused.headers.get("Stream-Error"), "overloaded");
    assert.equal(refused.headers.get("Retry-After"), "1");
    assert.match(await refused.text(), /The server has 1 appends, follows and large reads.*\(connections\)/);
  }
}

/** Expects one free place, and no more. */
async function expectRoom(server: Server): Promise<void> {
  const response = await until("a place", async () => {
    const next = await server.get("/large.bin");
    if (next.status === 200) return next;
    await next.body?.cancel();
    return undefined;
  });
  await expectFull(server);
  await response.body?.cancel();
  await until("the place of that", async () => {
    const { status, body } = await server.get("/large.bin?verb=FOLLOW", { method: "HEAD" });
    await body?.cancel();
    return status === 200;
  });
}

/** Large reads of every kind. */
const EVERY: [string, RequestInit][] = [
  ["/large.bin", {}],
  ["/large.bin?offset=0", {}],
  ["/large.bin", { headers: { Range: `bytes=0-${LARGE - 1}` } }],
  ["/large.json", {}],
  ["/large.json?raw", {}],
  ["/large.bin?live=long-poll&offset=0000000000000000", {}],
  ["/large.json?live=long-poll&offset=-1", {}],
];

describe("a large read", () => {
  for (const [target, init] of EVERY) {
    const what = `${target} ${JSON.stringify(init.headers ?? {})}`;
    it(`has a place until it has been read: ${what}`, async () => {
      const one = await server();
      const response = await one.get(target, init);
      assert.ok(response.ok, String(response.status));
      await expectFull(one);
      assert.ok((await response.arrayBuffer()).byteLength >= LARGE);
      await expectRoom(one);
      await one.streams.shutdown();
    });

    it(`has a place until its reader leaves: ${what}`, async () => {
      const one = await server();
      const response = await one.get(target, init);
      const reader = response.body?.getReader();
      await reader?.read();
      await expectFull(one);
      await reader?.cancel();
      await expectRoom(one);
      await one.streams.shutdown();
    });

    it(`is dropped if its reader takes nothing: ${what}`, async () => {
      const one = await server({ readIdleMs: 20 });
      const response = await one.get(target, init);
      const reader = response.body?.getReader();
      assert.ok(reader);
      const { value } = await reader.read();
      await expectRoom(one);
      await assert.rejects(async () => {
        for (;;) if ((await reader.read()).done) return;
      }, /read nothing of the body for 0\.02 s/);
      const [logged] = one.requests.filter(({ reason }) => reason === "idle");
      assert.equal(logged?.bytes, value?.length);
      assert.match(await one.streams.metrics(), /^httpfstream_refusals_total\{code="idle"\} 1$/m);
      await one.streams.shutdown();
    });
  }

  it("has a place until its response is known to be dropped", async () => {
    const one = await server();
    const response = await one.get("/large.bin");
    await expectFull(one);
    // The app chooses another response.
    assert.equal(response.body?.locked, false);
    await response.body?.cancel();
    await expectRoom(one);
    await one.streams.shutdown();
  });

  it("needs none if it has no body, or a small one", async () => {
    const one = await server();
    const held = await one.get("/large.bin");
    const etag = held.headers.get("ETag") ?? "";
    const free: [string, RequestInit, number][] = [
      ["/small.bin", {}, 200],
      ["/large.bin?offset=1", {}, 200],
      ["/large.bin", { headers: { Range: "bytes=1-" } }, 206],
      ["/large.bin", { method: "HEAD" }, 200],
      ["/large.json", { method: "HEAD" }, 200],
      ["/large.bin", { headers: { "If-None-Match": etag } }, 304],
      ["/large.bin", { headers: { "If-Match": '"other"' } }, 412],
      ["/large.bin", { headers: { Range: `bytes=${LARGE}-` } }, 416],
      [`/large.bin?offset=${LARGE + 1}`, {}, 416],
      ["/none.bin", {}, 404],
      ["/", {}, 200],
    ];
    for (const [target, init, status] of free) {
      const response = await one.get(target, init);
      assert.equal(response.status, status, `${target} ${JSON.stringify(init)}`);
      await response.arrayBuffer();
    }
    await held.body?.cancel();
    for (const [target, init] of free) await (await one.get(target, init)).arrayBuffer();
    await expectRoom(one);
    await one.streams.shutdown();
  });

  it("may be a listing: one of many rows has a place, a short one is free", async () => {
    const one = await server();
    const { store } = one;
    const original = store.list.bind(store);
    let left = 0;
    const row = { kind: "file", size: 1, modified: new Date(0) } as const;
    store.list = async (path, options) => {
      if (path !== "many") return await original(path, options);
      return (async function* () {
        try {
          for (let index = 0; index < 5_000; index++) yield { ...row, name: `${index}.txt` };
        } finally {
          left++;
        }
      })();
    };
    for (const accept of ["application/json", "text/html"]) {
      const headers = { Accept: accept };
      const response = await one.get("/many/", { headers });
      const refused = await one.get("/many/", { headers });
      assert.equal(refused.status, 503);
      assert.match(await refused.text(), /\(connections\)/);
      assert.equal(left, 1, "the folder is closed");
      assert.equal((await one.get("/many/", { method: "HEAD", headers })).status, 200);
      const short = await one.get("/", { headers });
      assert.match(await short.text(), /large\.json/);
      const text = await response.text();
      for (const name of ["0.txt", "500.txt", "999.txt"]) assert.ok(text.includes(name), name);
      await expectRoom(one);
      left = 0;
    }
    await one.streams.shutdown();
  });

  it("gives its place back if the store fails, at once or later", async () => {
    const one = await server();
    const expectFailed = async (): Promise<void> => {
      const response = await one.get("/large.bin");
      assert.equal(response.status, 500);
      assert.match(await response.text(), /The store failed for/);
    };
    const { store } = one;
    const original = store.read.bind(store);
    store.read = () => {
      throw new Error("the store fails at once");
    };
    await expectFailed();
    store.read = () =>
      new ReadableStream({
        pull(controller) {
          controller.error(new Error("the store fails later"));
        },
      });
    await expectFailed();
    store.read = original;
    await expectRoom(one);
    await one.streams.shutdown();
  });

  it("does not wait for its reader while the store is slow", async () => {
    const one = await server({ readIdleMs: 20, connections: 2 });
    const { store } = one;
    const original = store.read.bind(store);
    let goOn = (): void => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const reading = new Promise<ArrayBuffer>((resolve) => {
      store.read = () => {
        store.read = original;
        return new ReadableStream({
          async pull(controller) {
            await slow;
            controller.enqueue(new Uint8Array(LARGE));
            controller.close();
          },
        });
      };
      resolve(one.get("/large.bin").then((response) => response.arrayBuffer()));
    });
    await until("the store to be asked", async () => store.read === original);
    const stalled = await one.get("/large.bin");
    assert.equal((await one.get("/large.bin")).status, 503);
    // That one began later, and is dropped.
    await until("the other reader to be dropped", async () => one.requests.some(({ reason }) => reason === "idle"));
    await assert.rejects(stalled.arrayBuffer(), /read nothing/);
    goOn();
    assert.equal((await reading).byteLength, LARGE);
    await one.streams.shutdown();
  });

  it("may stall for ever if the limit is 0, and a shutdown does not wait for it", async () => {
    const one = await server({ readIdleMs: 0 });
    const response = await one.get("/large.bin");
    await expectFull(one);
    await one.streams.shutdown();
    await response.body?.cancel();
  });
});
