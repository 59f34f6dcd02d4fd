/** Section 10 of the wire contract: a standing follow does not end with the append. */
import assert from "node:assert/strict";
import { numberedLines, pieces, prng } from "../../fixture/bytes.ts";
import type { HttpExchange } from "../../fixture/http.ts";
import type { V1Peer } from "../../fixture/v1.ts";
import type { Target } from "./target.ts";
import { append, follow, refused } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

/** Waits until a follower has been told that nothing is appended, at an offset. */
async function idleAt(follower: V1Peer, offset: number, reason = "complete"): Promise<void> {
  const idle = await follower.control("idle", (control) => control.offset === offset && control.reason === reason);
  const at = follower.at[follower.controls.indexOf(idle)];
  assert.equal(at, offset - (follower.controls[0]?.offset ?? 0), "all data before the offset came before idle");
}

/** Follows a path over HTTP, without an end. */
async function body(wire: Wire, path: string, query = ""): Promise<HttpExchange> {
  return await wire.start({ target: wire.at(path, `verb=FOLLOW&stay=1${query && `&${query}`}`) });
}

export function standingSection(target: Target): void {
  section(target, "10 standing follow", {
    "a path that was never written: start and idle at 0, then start again with the generation": async (wire) => {
      const follower = await follow(wire, "a/b.txt", "stay=1");
      await idleAt(follower, 0, "unknown");
      assert.deepEqual(follower.controls, [
        { type: "start", offset: 0 },
        { type: "idle", offset: 0, reason: "unknown" },
      ]);
      assert.equal((await wire.get("a/b.txt")).status, 404, "it makes no file");
      const { peer } = await append(wire, "a/b.txt");
      const { generation } = await peer.control("start");
      await follower.control("start", (control) => control.offset === 0 && control.generation === generation);
      await peer.send("one ");
      await follower.dataAtLeast(4);
      await peer.finish();
      await idleAt(follower, 4);
      await wire.put("a/b.txt", "two");
      await idleAt(follower, 7);
      assert.equal(String(follower.data), "one two");
      assert.equal(follower.controls.filter(({ type }) => type === "start").length, 2);
    },

    "what is stored comes first, and idle says how the last append ended": async (wire) => {
      await wire.put("a.txt", "0123456789");
      const asked: [string, number][] = [
        ["stay=1", 0],
        ["stay=true&offset=4", 4],
        ["stay&tail=3", 7],
        ["offset=now&stay=1", 10],
        ["offset=10&stay=1", 10],
      ];
      const followers = await Promise.all(asked.map(([query]) => follow(wire, "a.txt", query)));
      for (const [at, [query, offset]] of asked.entries()) {
        const follower = followers[at] as V1Peer;
        await idleAt(follower, 10);
        const { generation, ...start } = follower.controls[0] ?? {};
        assert.deepEqual(start, { type: "start", offset }, query);
        assert.equal(generation, (await wire.get("a.txt")).headers.get("stream-generation"));
      }
      await wire.put("a.txt", "abc");
      for (const [at, [, offset]] of asked.entries()) {
        await idleAt(followers[at] as V1Peer, 13);
        assert.equal(String(followers[at]?.data), "0123456789abc".slice(offset));
      }
    },

    "an append that is lost ends no standing follow; the next one continues it": async (wire) => {
      const lost = await wire.startPut("a.txt");
      await lost.chunk("half ");
      const follower = await follow(wire, "a.txt", "stay=1");
      const overHttp = await body(wire, "a.txt");
      await follower.dataAtLeast(5);
      await overHttp.body.atLeast(5);
      lost.connection.reset();
      await idleAt(follower, 5, "lost");
      await wire.put("a.txt", "whole");
      await idleAt(follower, 10);
      assert.equal(String(await overHttp.body.atLeast(10)), "half whole");
      assert.equal(String(follower.data), "half whole");
    },

    "over HTTP the body stays open over appends, and a path need not exist": async (wire) => {
      const none = await body(wire, "none.css");
      if (!wire.differs("late head")) {
        const { status, headers } = await none.head;
        assert.equal(status, 200);
        assert.match(headers.get("content-type") ?? "", /^text\/css/);
        assert.deepEqual(
          ["stream-start-offset", "stream-generation", "stream-appending", "content-length"].map((name) =>
            headers.get(name),
          ),
          ["0000000000000000", null, "?0", null],
        );
        assert.match(headers.get("cache-control") ?? "", /no-store/);
      }
      await wire.put("none.css", "one ");
      assert.equal(String(await none.body.atLeast(4)), "one ");
      await wire.put("none.css", "two ");
      const late = await body(wire, "none.css", "tail=4");
      assert.equal(String(await late.body.atLeast(4)), "two ");
      assert.equal((await late.head).headers.get("stream-appending"), "?0");
      const appender = await wire.appender("none.css");
      await appender.send("three");
      assert.equal(String(await none.body.atLeast(13)), "one two three");
      assert.equal(String(await late.body.atLeast(9)), "two three");
      await appender.finish();
      await wire.put("none.css", "!");
      assert.equal(String(await none.body.atLeast(14)), "one two three!");
    },

    "HEAD answers the headers, and leaves nothing open": async (wire) => {
      const head = (path: string) => wire.send({ method: "HEAD", target: wire.at(path, "verb=FOLLOW&stay=1") });
      const none = await head("a.txt");
      assert.deepEqual([none.status, none.headers.get("stream-start-offset")], [200, "0000000000000000"]);
      await wire.put("a.txt", "x");
      const some = await head("a.txt");
      assert.deepEqual([some.status, some.headers.get("stream-ended")], [200, "complete"]);
      assert.match(some.headers.get("stream-generation") ?? "", /^[\w-]+$/);
    },

    "an offset past the size is 416, another generation 412, on a path that does not exist 404": async (wire) => {
      const status = async (path: string, query: string): Promise<number[]> => [
        (await refused(wire, path, `verb=FOLLOW&stay=1&${query}`)).status,
        (await wire.get(path, `verb=FOLLOW&stay=1&${query}`)).status,
      ];
      assert.deepEqual(await status("a.txt", "offset=1"), [416, 416]);
      assert.deepEqual(await status("a.txt", "generation=other"), [404, 404]);
      await wire.put("a.txt", "0123456789");
      assert.deepEqual(await status("a.txt", "offset=11"), [416, 416]);
      assert.deepEqual(await status("a.txt", "offset=11&generation=other"), [412, 412]);
      const past = await wire.get("a.txt", "verb=FOLLOW&stay=1&offset=11");
      assert.equal(past.headers.get("stream-next-offset"), "0000000000000010");
      const generation =
        past.headers.get("stream-generation") ?? (await wire.get("a.txt")).headers.get("stream-generation");
      await idleAt(await follow(wire, "a.txt", `stay=1&offset=10&generation=${generation}`), 10);
      for (const query of ["offset=x", "offset=1&tail=1"]) assert.deepEqual(await status("a.txt", query), [400, 400]);
    },

    "a folder is a conflict; the root and a trailing slash are as without stay": async (wire) => {
      await wire.put("folder/a.txt", "x");
      for (const query of ["verb=FOLLOW", "verb=FOLLOW&stay=1"]) {
        assert.equal((await wire.get("folder", query)).status, 409, query);
        assert.equal((await wire.get("folder/", query)).status, 409, query);
        assert.equal((await refused(wire, "folder", query)).status, 409, query);
        assert.equal((await wire.get("folder/a.txt/b", query)).status, 409, query);
      }
    },

    "a classic upgrade with stay is 400 and names httpfstream.v1": async (wire) => {
      await wire.put("a.txt", "x");
      for (const query of ["verb=FOLLOW&stay=1", "stay=1", "verb=APPEND&stay=1"]) {
        const peer = await wire.upgrade({ target: wire.at("a.txt", query) });
        const response = await peer.response();
        assert.equal(response.status, 400, query);
        if (!query.includes("APPEND")) assert.match(response.text, /httpfstream\.v1/, query);
      }
    },

    "stay takes 1, true or nothing, 0 or false; it needs a follow": async (wire) => {
      await wire.put("a.txt", "x");
      for (const off of ["0", "false"]) {
        assert.equal((await wire.get("a.txt", `verb=FOLLOW&stay=${off}`)).text, "x");
        assert.equal((await wire.get("a.txt", `stay=${off}`)).text, "x");
      }
      for (const odd of ["2", "yes", "TRUE", "-1"]) {
        assert.equal((await wire.get("a.txt", `verb=FOLLOW&stay=${odd}`)).status, 400, odd);
      }
      const download = await wire.get("a.txt", "stay=1");
      assert.equal(download.status, 400);
      assert.match(download.text, /FOLLOW/);
      const post = { method: "POST", target: wire.at("a.txt", "verb=APPEND&stay=1"), body: "y" };
      assert.equal((await wire.send(post)).status, 400);
      assert.equal((await wire.get("a.txt")).text, "x", "nothing was written");
      await idleAt(await follow(wire, "a.txt", "stay="), 1);
    },

    "a removal ends it with deleted, and cuts a body": async (wire) => {
      await wire.put("a.txt", "gone soon");
      const follower = await follow(wire, "a.txt", "stay=1");
      const overHttp = await body(wire, "a.txt");
      await idleAt(follower, 9);
      await overHttp.body.atLeast(9);
      const removed = await wire.send({ method: "DELETE", target: wire.at("a.txt") });
      if (removed.status === 405) return wire.skip("this server lets no client remove what was appended");
      assert.equal(removed.status, 204);
      const { code } = await follower.closed();
      assert.deepEqual([code, follower.controls.at(-1)], [1000, { type: "end", offset: 9, reason: "deleted" }]);
      await assert.rejects(overHttp.body.all(), /broke off/);
    },

    "over many appends every follower gets every byte once, wherever and whenever it joined": async (wire) => {
      const bytes = numberedLines(400_000);
      const random = prng(41);
      const joined: { offset: number; follower: V1Peer }[] = [];
      const bodies: { offset: number; exchange: HttpExchange }[] = [];
      let sent = 0;
      let turn = 0;
      for (const piece of pieces(bytes, 20_000, 42)) {
        if (random() < 0.4) {
          const offset = Math.floor(random() * (sent + 1));
          const query = `offset=${offset}`;
          if (random() < 0.5) joined.push({ offset, follower: await follow(wire, "a.txt", `stay=1&${query}`) });
          else bodies.push({ offset, exchange: await body(wire, "a.txt", query) });
        }
        if (turn++ % 2 === 0) await wire.put("a.txt", piece);
        else {
          const { peer } = await append(wire, "a.txt");
          await peer.send(piece);
          await peer.finish();
        }
        sent += piece.length;
      }
      assert.ok(joined.length > 3 && bodies.length > 3, `${joined.length} and ${bodies.length} followers`);
      for (const { offset, follower } of joined) {
        assert.ok((await follower.dataAtLeast(sent - offset)).equals(bytes.subarray(offset)));
        await idleAt(follower, sent);
        const idles = follower.controls.filter(({ type }) => type === "idle").map(({ offset: at }) => at);
        assert.deepEqual(
          idles,
          idles.toSorted((one, other) => one - other),
        );
      }
      for (const { offset, exchange } of bodies) {
        assert.ok((await exchange.body.atLeast(sent - offset)).equals(bytes.subarray(offset)));
      }
    },
  });
}
