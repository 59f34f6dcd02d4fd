/** Two servers on one folder: one appender per path, followers on both servers. */
import assert from "node:assert/strict";
import { numberedLines, pieces, randomBytes, sha256 } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";
import { OFFER, type V1Peer } from "../fixture/v1.ts";
import { expectEnd, pairSuite } from "./cluster.ts";

pairSuite("two servers on one folder", {
  "a path with an appender on one server is 403 on the other, for every kind of appender": async ({ one, other }) => {
    const v1 = await one.append("v1.txt");
    await other.classic("classic.txt");
    for (const [server, path] of [
      [other, "v1.txt"],
      [one, "classic.txt"],
    ] as const) {
      assert.equal(await server.status(`/${path}?verb=APPEND`), 403);
      assert.equal(await server.status(`/${path}?verb=APPEND`, {}), 403);
      const put = await server.send(`/${path}?verb=APPEND`, "PUT", "x");
      assert.deepEqual([put.status, put.headers.get("stream-error")], [403, "conflict"]);
    }
    await v1.peer.send("mine");
    assert.equal(await v1.peer.finish(), 4);
    const taken = await other.append("v1.txt");
    assert.equal(taken.offset, 4);
    assert.equal(await one.status("/v1.txt?verb=APPEND"), 403);
  },

  "a path that is taken on one server is 403 on the other, whatever the request asks for": async ({ one, other }) => {
    const { peer } = await one.append("a.txt");
    await peer.send("one");
    await peer.acked(3);
    assert.equal((await other.send("/a.txt?verb=APPEND")).status, 403, "an upgrade that is only asked about");
    for (const query of ["", "&offset=1"]) {
      for (const headers of [{ "If-None-Match": "*" }, { "If-Match": '"x"' }]) {
        assert.equal(await other.status(`/a.txt?verb=APPEND${query}`, { ...OFFER, ...headers }), 403);
      }
      assert.equal((await other.send(`/a.txt?verb=APPEND${query}`, "PUT", "x")).status, 403);
    }
    assert.equal(await peer.finish(), 3);
    await until(
      "the path to be free",
      async () => (await other.send("/a.txt?verb=APPEND&offset=1", "PUT", "x")).status === 412,
    );
    assert.equal(await other.status("/a.txt?verb=APPEND", { ...OFFER, "If-None-Match": "*" }), 412);
  },

  "a session that its server can't release can't be resumed on the other, but is not gone": async ({ one, other }) => {
    const { peer, session } = await one.append("a.txt");
    await peer.send("one");
    await peer.acked(3);
    one.freeze();
    const refused = await (await other.upgrade(`/a.txt?verb=APPEND&session=${session}`)).response();
    one.wake();
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [403, "1"]);
    const newcomer = await (await other.upgrade("/a.txt?verb=APPEND")).response();
    assert.deepEqual([newcomer.status, newcomer.headers.get("retry-after")], [403, "1"], "it may be in its grace");
    const again = await one.append("a.txt", `session=${session}`);
    assert.equal(await again.peer.finish(), 3);
    assert.equal(await other.status(`/a.txt?verb=APPEND&session=${session}`), 410);
  },

  "followers on the other server get every byte and the end reason": async ({ one, other }) => {
    const bytes = randomBytes(1_500_000, 3);
    const { peer } = await one.append("complete.bin");
    const early = await other.follow("complete.bin");
    let late: V1Peer | undefined;
    for (const piece of pieces(bytes, 40_000, 4)) {
      await peer.send(piece);
      late ??= (await early.dataAtLeast(1)) && (await other.follow("complete.bin", "offset=1000"));
    }
    assert.equal(await peer.finish(), bytes.length);
    await expectEnd(early, bytes, "complete");
    await expectEnd(late as V1Peer, bytes.subarray(1000), "complete");

    const classic = await one.classic("classic.txt");
    const ofClassic = await other.follow("classic.txt");
    await classic.send("dropped, as the Go client does");
    await ofClassic.dataAtLeast(30);
    classic.connection.drop();
    await expectEnd(ofClassic, "dropped, as the Go client does", "complete");

    const vanishing = await one.append("lost.txt");
    const ofVanishing = await other.follow("lost.txt");
    await vanishing.peer.send("and then nothing");
    await ofVanishing.dataAtLeast(16);
    vanishing.peer.peer.connection.drop();
    await expectEnd(ofVanishing, "and then nothing", "lost");
    await until("the path to be free", async () => (await other.status("/lost.txt?verb=APPEND")) === 101);
  },

  "a byte reaches followers on the other server within a second": async ({ one, other }) => {
    const { peer } = await one.append("a.txt");
    const follower = await other.follow("a.txt");
    const classic = await (await other.upgrade("/a.txt?verb=FOLLOW", {})).opened();
    // The guarantee is one second; the other half second is for a busy machine.
    for (let count = 1; count <= 10; count++) {
      await peer.send("x");
      await until(`byte ${count} in the other process`, () => follower.data.length >= count, 1_500);
      await classic.received.atLeast(count);
    }
  },

  "a hundred followers at once all find the appender of the other process": async ({ one, other }) => {
    const { peer } = await one.append("a.txt");
    await peer.send("for ");
    await peer.acked(4);
    const crowd = await Promise.all(Array.from({ length: 100 }, () => other.follow("a.txt")));
    await peer.send("everybody");
    assert.equal(await peer.finish(), 13);
    for (const follower of crowd) await expectEnd(follower, "for everybody", "complete");
  },

  "a follower may start at an offset that the other server has not seen yet": async ({ one, other }) => {
    const { peer } = await one.append("a.txt");
    // Keeps the other server's watch running, which polls ten times per second.
    await other.follow("a.txt");
    for (let size = 1; size <= 30; size++) {
      await peer.send("x");
      await peer.acked(size);
      const follower = await other.follow("a.txt", `offset=${size}`);
      assert.equal((await follower.control("start")).offset, size);
    }
    await peer.finish();
  },

  "the watch ends when all its followers leave; followers that stay get the end": async ({ one, other, cluster }) => {
    const { peer } = await one.append("a.txt");
    const watchers = (): string[] => cluster.reserved().filter((file) => file.includes("watch-"));
    for (let round = 0; round < 3; round++) {
      const leaving = await Promise.all([other.follow("a.txt"), other.follow("a.txt")]);
      assert.equal(watchers().length, 1);
      for (const follower of leaving) follower.peer.connection.drop();
      await until("the watch to end", () => watchers().length === 0);
    }
    const staying = await other.follow("a.txt");
    const leaving = await other.follow("a.txt");
    leaving.peer.connection.drop();
    await peer.send("the end");
    await peer.finish();
    await expectEnd(staying, "the end", "complete");
  },

  "appends to many paths on both servers leave nothing behind": async ({ one, other, cluster }) => {
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const [here, there] = at % 2 ? [one, other] : [other, one];
        const bytes = numberedLines(5_000, `path ${at} line`);
        const { peer } = await here.append(`${at}/a.txt`);
        const follower = await there.follow(`${at}/a.txt`);
        for (const piece of pieces(bytes, 900, at)) await peer.send(piece);
        assert.equal(await peer.finish(), bytes.length);
        await expectEnd(follower, bytes, "complete");
        assert.equal(sha256(cluster.file(`${at}/a.txt`)), sha256(bytes));
      }),
    );
    await until("the reserved folder to be empty", () => cluster.reserved().length === 0);
  },
});
