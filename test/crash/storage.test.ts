/** Append sessions over real sockets, on a store that fails, stalls or is slow at critical moments. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fstream } from "../../mod.ts";
import type { LogEvent } from "../../src/engine/events.ts";
import type { Limits } from "../../src/engine/limits.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { serve } from "../../src/runtime/node/mod.ts";
import { digestOf } from "../../src/support/token.ts";
import { HeldStore } from "../fixture/held-store.ts";
import { request } from "../fixture/http.ts";
import { until, within } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** A server in this process, on a store that the test controls. */
interface Bench {
  readonly store: HeldStore;
  readonly log: LogEvent[];
  readonly url: string;
  append(query?: string): Promise<V1Peer>;
  upgrade(query: string, path?: string): Promise<WebSocketPeer>;
  follow(): Promise<V1Peer>;
  close(): Promise<void>;
}

function bench(
  what: string,
  limits: Partial<Limits>,
  run: (bench: Bench) => Promise<void>,
  store: HeldStore = new HeldStore(),
): void {
  test(what, { timeout: 60_000 }, async () => {
    const log: LogEvent[] = [];
    const app = fstream({ store, limits, log: (event) => log.push(event) });
    const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${server.port}`;
    const peers: WebSocketPeer[] = [];
    const upgrade = async (query: string, path = "a.txt"): Promise<WebSocketPeer> => {
      const peer = await WebSocketPeer.open(url, { target: `/${path}?${query}`, headers: OFFER, kind: "binary" });
      peers.push(peer);
      return peer;
    };
    const append = async (query = ""): Promise<V1Peer> =>
      new V1Peer(await (await upgrade(`verb=APPEND${query}`)).opened());
    const follow = async (): Promise<V1Peer> => new V1Peer(await (await upgrade("verb=FOLLOW")).opened());
    try {
      await run({ store, log, url, append, upgrade, follow, close: () => app.close() });
    } finally {
      await store.letGo();
      for (const peer of peers) peer.connection.drop();
      await app.close();
      await server.close();
    }
  });
}

bench("an end that arrives during a failing write is not confirmed as complete", {}, async ({ store, ...at }) => {
  const peer = await at.append();
  const follower = await at.follow();
  await peer.send("stored ");
  await peer.acked(7);
  store.holding = true;
  await peer.send("not stored");
  const held = await store.next();
  await peer.say({ type: "end" });
  await peer.peer.frame(9, "after the end");
  await peer.peer.pongs.atLeast(13);
  held.fail("no_space");
  const { code, reason } = await peer.closed();
  assert.equal(code, 1011, `${code} ${reason}`);
  assert.deepEqual(peer.controls.at(-1), { type: "ack", offset: 7 }, "the last ack stands");
  await follower.closed();
  assert.deepEqual(follower.controls.at(-1), { type: "end", offset: 7, reason: "failed" });
});

bench("a failed write ends the session with 1011, and its token is invalid", {}, async ({ store, ...at }) => {
  const peer = await at.append();
  const { session } = await peer.control("start");
  store.holding = true;
  await peer.send("half of this");
  const held = await store.next();
  await held.storePart(4);
  held.fail("storage");
  assert.equal((await peer.closed()).code, 1011);
  store.holding = false;
  assert.equal((await (await at.upgrade(`verb=APPEND&session=${session}`)).head).status, 410);
  const next = await at.append();
  assert.equal((await next.control("start")).offset, 4);
});

bench("an append whose session can't be saved is refused, and the path is free", {}, async ({ store, ...at }) => {
  const { save } = store.sessions;
  store.sessions.save = () => Promise.reject(new StreamError("no_space", "The disk is full."));
  const refused = await at.upgrade("verb=APPEND");
  const { status, headers } = await refused.response();
  assert.deepEqual([status, headers.get("stream-error")], [507, "no_space"]);
  assert.equal((await (await at.upgrade("verb=FOLLOW")).head).status, 200, "there is no appender");
  store.sessions.save = save;
  const peer = await at.append();
  assert.equal(await peer.finish(), 0);
});

bench("a session that can't be removed ends normally, and the operator is told", {}, async (at) => {
  const { store, log } = at;
  const remove = store.sessions.remove.bind(store.sessions);
  store.sessions.remove = () => Promise.reject(new StreamError("denied", "The session's file can't be removed."));
  const peer = await at.append();
  const follower = await at.follow();
  await peer.send("all of it");
  assert.equal(await peer.finish(), 9);
  assert.equal((await follower.closed()).code, 1000);
  assert.equal(log.filter(({ type }) => type === "error").length, 1);
  store.sessions.remove = remove;
  await store.sessions.remove("a.txt");
  assert.equal(await (await at.append()).finish(), 9);
});

bench("data before the start message is closed with 1008, and does not count", {}, async ({ store, ...at }) => {
  const older = await at.append();
  const { session } = await older.control("start");
  store.holding = true;
  await older.send("slow");
  const held = await store.next();
  // The older connection's bytes are still being stored, so the newer one gets no start message yet.
  const newer = await at.append(`&session=${session}`);
  assert.equal((await older.closed()).code, 4001);
  await newer.send("hasty");
  assert.equal((await newer.closed()).code, 1008);
  assert.deepEqual(newer.controls, []);
  await held.store();
  store.holding = false;
  const last = await at.append(`&session=${session}`);
  assert.equal((await last.control("start")).offset, 4);
  assert.equal(await last.finish(), 4);
});

bench("a resume waits until the earlier bytes are stored, and starts exactly there", {}, async ({ store, ...at }) => {
  const older = await at.append();
  const { session } = await older.control("start");
  store.holding = true;
  await older.send("one ");
  const held = await store.next();
  await older.send("two ");
  await older.peer.frame(9, "here");
  await older.peer.pongs.atLeast(4);
  older.peer.connection.drop();
  const newer = await at.append(`&session=${session}`);
  await held.store();
  await (await store.next()).store();
  assert.equal((await newer.control("start")).offset, 8);
  store.holding = false;
  assert.equal(await newer.finish(), 8);
});

bench("one window of bytes may wait, and not one byte more", { windowBytes: 1_000 }, async ({ store, ...at }) => {
  const peer = await at.append();
  const { session, window } = await peer.control("start");
  assert.equal(window, 1_000);
  store.holding = true;
  for (let count = 0; count < 10; count++) await peer.send(Buffer.alloc(100));
  await peer.peer.frame(9, "still open");
  await peer.peer.pongs.atLeast(10);
  await peer.send("x");
  assert.equal((await peer.closed()).code, 1008);
  await store.letGo();
  const again = await at.append(`&session=${session}`);
  assert.equal((await again.control("start")).offset, 1_000, "what was within the window counts");
});

bench("without a grace period an append works, and a broken one is lost at once", { graceMs: 0 }, async (at) => {
  const { store } = at;
  let claim = (): void => {};
  store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const opening = at.append();
  setTimeout(claim, 20);
  const peer = await opening;
  const { session } = await peer.control("start");
  const follower = await at.follow();
  await peer.send("fine");
  await peer.acked(4);
  peer.peer.connection.drop();
  await follower.closed();
  assert.deepEqual(follower.controls.at(-1), { type: "end", offset: 4, reason: "lost" });
  assert.equal((await (await at.upgrade(`verb=APPEND&session=${session}`)).head).status, 410);
  assert.equal(await (await at.append()).finish(), 4);
});

bench(
  "a shutdown during a claim neither waits for the grace period nor removes the session",
  { graceMs: 600_000 },
  async (at) => {
    const { store, close } = at;
    const peer = await at.append();
    await peer.send("kept");
    await peer.acked(4);
    let claim = (): void => {};
    store.beforeClaim = new Promise((resolve) => {
      claim = resolve;
    });
    const claiming = await at.upgrade("verb=APPEND", "b.txt");
    await until("the claim to begin", () => store.claims > 1);
    const closing = close();
    claim();
    await within(closing, "the shutdown");
    assert.equal((await peer.closed()).code, 1012);
    assert.equal((await claiming.head).status, 503);
    assert.deepEqual(
      (await store.sessions.list()).map(({ path }) => path),
      ["a.txt"],
    );
  },
);

bench("a follower that arrives during a claim gets the append that begins with it", {}, async ({ store, ...at }) => {
  let claim = (): void => {};
  store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const appending = at.append();
  await until("the claim to begin", () => store.claims > 0);
  const following = at.follow();
  // When these are answered, the server has processed the follower's request.
  for (let count = 0; count < 3; count++) await request(at.url, { target: "/" });
  claim();
  const peer = await appending;
  await peer.send("for who came early");
  assert.equal(await peer.finish(), 18);
  const follower = await following;
  await follower.closed();
  assert.equal(String(follower.data), "for who came early");
});

bench("followers do not see an append that is refused", {}, async ({ store, ...at }) => {
  assert.equal((await (await at.upgrade("verb=APPEND&offset=7")).head).status, 412);
  assert.equal((await (await at.upgrade("verb=FOLLOW")).head).status, 404);
  await (await at.append()).finish();
  assert.equal((await (await at.upgrade("verb=APPEND&offset=7")).head).status, 412);
  assert.equal((await (await at.upgrade("verb=FOLLOW")).head).status, 200);
});

/** Saves a session whose server counts as alive at the next claim, and is gone right after it. */
async function dyingServer(store: HeldStore): Promise<void> {
  await (await store.claim("a.txt")).release();
  await store.sessions.save({ path: "a.txt", digest: await digestOf("token-of-old") });
  const claim = store.claim.bind(store);
  store.claim = () => {
    store.claim = claim;
    return Promise.reject(new StreamError("conflict", "Another server process has the path."));
  };
}

bench("a follower that arrives while a server dies waits for its session", { graceMs: 2_000 }, async (at) => {
  await dyingServer(at.store);
  const follower = await at.follow();
  const resumed = await at.append("&session=token-of-old");
  await resumed.send("and on");
  assert.equal(await resumed.finish(), 6);
  await follower.closed();
  assert.equal(String(follower.data), "and on");
  assert.equal(follower.controls.at(-1)?.reason, "complete");
});

bench("a new appender does not get the path of a session whose server dies", { graceMs: 60_000 }, async (at) => {
  await dyingServer(at.store);
  for (const query of ["verb=APPEND", "verb=APPEND&offset=0"]) {
    const { status, headers } = await (await at.upgrade(query)).response();
    assert.deepEqual([status, headers.get("stream-error")], [403, "conflict"]);
    assert.match(headers.get("retry-after") ?? "", /^\d+$/);
  }
  const resumed = await at.append("&session=token-of-old");
  assert.equal(await resumed.finish(), 0);
});

/** A store where leftovers of a crash block the records of sessions until it is tidied. */
class UntidyStore extends HeldStore {
  clear: () => void = () => {};
  readonly #cleared = new Promise<void>((resolve) => {
    this.clear = resolve;
  });

  async tidy(): Promise<void> {
    const { save } = this.sessions;
    this.sessions.save = () => Promise.reject(new StreamError("path_conflict", "Something lies in the way."));
    await this.#cleared;
    this.sessions.save = save;
  }
}

const untidy = new UntidyStore();
bench(
  "an append waits until the leftovers of a crash are removed",
  {},
  async ({ append, upgrade, url }) => {
    const first = await upgrade("verb=APPEND");
    // When these are answered, the server has processed the appender's request.
    for (let count = 0; count < 3; count++) await request(url, { target: "/" });
    untidy.clear();
    assert.equal(await new V1Peer(await first.opened()).finish(), 0);
    assert.equal(await (await append()).finish(), 0);
  },
  untidy,
);
