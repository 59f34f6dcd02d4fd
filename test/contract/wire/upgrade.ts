/** Section 2 of the wire contract: upgrade requests that are granted, and those that get a plain response. */
import assert from "node:assert/strict";
import { numberedLines, randomBytes, sha256 } from "../../fixture/bytes.ts";
import { until } from "../../fixture/until.ts";
import { upgradeHeaders } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { section } from "./wire.ts";

const MEGABYTES = 8 * 1024 * 1024;
const KEY = Buffer.alloc(16, 7).toString("base64");

export function upgradeSection(target: Target): void {
  section(target, "2 upgrades granted and refused", {
    "an empty file and its folders exist from the 101 on": async (wire) => {
      await wire.appender("some/new/folder/a.txt");
      const read = await wire.get("some/new/folder/a.txt");
      assert.deepEqual([read.status, read.body.length], [200, 0]);
      assert.equal(read.headers.get("stream-next-offset"), "0000000000000000");
    },

    "an append that is refused, or whose upgrade fails, leaves no file and no folder": async (wire) => {
      const offer = { "Sec-WebSocket-Protocol": "httpfstream.v1" };
      for (const [at, headers] of [{}, offer].entries()) {
        const target = (name: string, more = "") => wire.at(`refused${at}/folder/${name}`, `verb=APPEND${more}`);
        const refused = [
          await wire.upgrade({ target: target("size", "&offset=5"), headers }),
          await wire.upgrade({ target: target("key"), headers: { ...headers, "Sec-WebSocket-Key": "short" } }),
          await wire.upgrade({ target: target("version"), headers: { ...headers, "Sec-WebSocket-Version": "7" } }),
          ...(at === 1 ? [await wire.upgrade({ target: target("token", "&session=no-such"), headers })] : []),
        ];
        for (const exchange of refused) assert.ok((await exchange.response()).status >= 400);
        await until("nothing to be left", async () => (await wire.get(`refused${at}/`)).status === 404);
      }
    },

    "a second appender gets 403 before the upgrade, with a body that names the conflict": async (wire) => {
      const first = await wire.appender("a.txt");
      await first.send("one ");
      const refusal = await (await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND") })).response();
      assert.equal(refusal.status, 403);
      assert.match(refusal.text, /append/i);
      assert.match(refusal.text, /a\.txt/);
      await first.send("two");
      await first.finish();
      assert.equal(String(await wire.stored("a.txt")), "one two");
    },

    "a refused appender does not free the path": async (wire) => {
      await wire.appender("a.txt");
      for (let attempt = 0; attempt < 5; attempt++) {
        const refused = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND") });
        assert.equal((await refused.response()).status, 403);
      }
    },

    "APPEND without an upgrade gets 426 with Upgrade: websocket, and no file": async (wire) => {
      const refusal = await wire.get("new/a.txt", "verb=APPEND");
      assert.equal(refusal.status, 426, refusal.text);
      assert.equal(refusal.headers.get("upgrade")?.toLowerCase(), "websocket");
      assert.notEqual(refusal.text, "");
      assert.equal((await wire.get("new/a.txt")).status, 404);
      assert.equal((await wire.get("new/")).status, 404);
    },

    "FOLLOW of a path never written gets 404 with its body, though it asked to upgrade": async (wire) => {
      const refusal = await (await wire.upgrade({ target: wire.at("a.txt", "verb=FOLLOW") })).response();
      assert.equal(refusal.status, 404);
      assert.match(refusal.text, /a\.txt/);
      assert.ok(refusal.headers.get("content-type"), "Content-Type");
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "FOLLOW without an appender gets 200 with the full data and headers, though it asked to upgrade": async (wire) => {
      const bytes = randomBytes(MEGABYTES, 1);
      await wire.put("big.txt", bytes);
      const full = await (await wire.upgrade({ target: wire.at("big.txt", "verb=FOLLOW") })).response();
      assert.deepEqual([full.status, full.body.length, sha256(full.body)], [200, bytes.length, sha256(bytes)]);
      assert.match(full.headers.get("content-type") ?? "", /^text\/plain/);
      assert.equal(full.headers.get("stream-next-offset"), String(bytes.length).padStart(16, "0"));
      assert.equal(full.headers.get("x-content-type-options"), "nosniff");
      assert.equal(full.headers.get("sec-websocket-accept"), null);
    },

    "such a full body waits for a client that stops reading for a while": async (wire) => {
      const bytes = numberedLines(MEGABYTES);
      await wire.put("big.txt", bytes);
      const peer = await wire.upgrade({ target: wire.at("big.txt", "verb=FOLLOW") });
      await peer.received.atLeast(1);
      peer.connection.socket.pause();
      assert.equal((await wire.get("big.txt", "tail=1")).status, 200);
      peer.connection.socket.resume();
      const full = await peer.response();
      assert.deepEqual([full.body.length, sha256(full.body)], [bytes.length, sha256(bytes)]);
    },

    "a client that leaves in the middle of such a body disturbs no other client": async (wire) => {
      await wire.put("big.txt", numberedLines(MEGABYTES));
      for (const leave of ["drop", "reset"] as const) {
        const peer = await wire.upgrade({ target: wire.at("big.txt", "verb=FOLLOW") });
        await peer.received.atLeast(1);
        peer.connection[leave]();
      }
      assert.equal((await wire.get("big.txt")).body.length, MEGABYTES);
    },

    "the Upgrade and Connection headers may be in any case and have other values": async (wire) => {
      const headers = { Upgrade: "WebSocket", Connection: "keep-alive, Upgrade" };
      const appender = await wire.appender("a.txt", { headers });
      const follower = await wire.follower("a.txt", { headers });
      await appender.send("hello");
      await follower.received.atLeast(5);
    },

    "an upgrade to something else, or to one of several, is a plain request": async (wire) => {
      await wire.put("a.txt", "stored");
      for (const offer of ["h2c", "h2c, websocket", "websocket, h2c"]) {
        const headers = upgradeHeaders(KEY, { Upgrade: offer });
        const read = await wire.get("a.txt", "", headers);
        assert.deepEqual([read.status, read.text], [200, "stored"], offer);
        assert.equal((await wire.get("b.txt", "verb=APPEND", headers)).status, 426, offer);
        assert.equal((await wire.get("b.txt")).status, 404, offer);
      }
    },

    "an append over HTTP that offers an upgrade is stored, or refused with all that it sent": async (wire) => {
      // `curl --http2` and Java's client send these headers with every request.
      const headers = {
        Connection: "Upgrade, HTTP2-Settings",
        Upgrade: "h2c",
        "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA",
      };
      for (const [at, method] of ["POST", "PUT"].entries()) {
        const target = wire.at("a.txt", "verb=APPEND");
        const post = await wire.send({ method, target, headers, body: "12345" });
        const refused = wire.differs("upgrade offers");
        if (refused && post.status === 400) return wire.skip(refused);
        assert.deepEqual(
          [post.status, post.headers.get("stream-next-offset")],
          [200, String(5 * (at + 1)).padStart(16, "0")],
        );
        const put = await wire.startPut(`${method}.txt`, method, headers);
        // Send each piece separately, so that none travels with the head or with another piece.
        const follower = await wire.admittedFollower(`${method}.txt`);
        let sent = 0;
        for (const piece of ["first ", "second ", "third"]) {
          await put.chunk(piece);
          sent += piece.length;
          await follower.received.atLeast(sent);
        }
        await put.finish();
        assert.equal((await put.response()).status, 200);
        assert.equal((await wire.get(`${method}.txt`)).text, "first second third");
      }
      assert.equal((await wire.get("a.txt")).text, "1234512345");
    },

    "a handshake without a key, or of another version, is refused and claims nothing": async (wire) => {
      const { "Sec-WebSocket-Key": _key, ...keyless } = upgradeHeaders(KEY);
      const broken = {
        "without a key": keyless,
        "with a short key": upgradeHeaders("AAAA"),
        "of version 8": upgradeHeaders(KEY, { "Sec-WebSocket-Version": "8" }),
        "of version 99": upgradeHeaders(KEY, { "Sec-WebSocket-Version": "99" }),
      };
      for (const [what, headers] of Object.entries(broken)) {
        const refusal = await wire.get("a.txt", "verb=APPEND", headers);
        assert.ok(refusal.status >= 400 && refusal.status < 500, `a handshake ${what} got ${refusal.status}`);
      }
      assert.equal((await wire.get("a.txt")).status, 404);
      await wire.admitted("a.txt");
    },
  });
}
