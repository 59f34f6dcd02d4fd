/** Section 7 of the wire contract: pages of other origins may only read. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { expectEnd, section } from "./wire.ts";

const FOREIGN = ["https://elsewhere.example", "null", "http://localhost:1", "file://", "nonsense", "tauri://localhost"];

export function originsSection(target: Target): void {
  const own = new URL(target.url).origin;

  section(target, "7 origins", {
    "the server's own origin may upgrade and append": async (wire) => {
      const headers = { Origin: own };
      const appender = await wire.appender("a.txt", { headers });
      const follower = await wire.follower("a.txt", { headers });
      await appender.send("hello");
      await appender.finish();
      await expectEnd(follower, "hello");
      const post = await wire.send({ method: "POST", target: wire.at("b.txt", "verb=APPEND"), headers, body: "x" });
      assert.equal(post.status, 200, post.text);
    },

    "the server's own origin is what the Host header says": async (wire) => {
      const headers = { Origin: "http://streams.example", Host: "streams.example" };
      await wire.appender("a.txt", { headers });
      await wire.follower("a.txt", { headers });
    },

    "letter case, a default port, an empty one and the spelling of an address do not matter": async (wire) => {
      const same = [
        ["http://localhost:8080", "LOCALHOST:8080"],
        ["HTTP://LocalHost:8080", "localhost:8080"],
        ["http://[::1]:8080", "[::0001]:8080"],
        ["http://streams.example", "Streams.Example:80"],
        ["http://streams.example:80", "streams.example"],
        ["https://streams.example", "streams.example:443"],
        ["http://streams.example", "streams.example:"],
      ] as const;
      for (const [at, [Origin, Host]] of same.entries()) {
        const post = await wire.send({
          method: "POST",
          target: wire.at("a.txt", "verb=APPEND"),
          headers: { Origin, Host },
          body: "x",
        });
        assert.deepEqual([Origin, Host, post.status], [Origin, Host, 200], post.text);
        const peer = await wire.upgrade({ target: wire.at(`${at}.txt`, "verb=APPEND"), headers: { Origin, Host } });
        assert.deepEqual([Origin, Host, (await peer.head).status], [Origin, Host, 101]);
      }
      for (const [Origin, Host] of [
        ["http://localhost:8080", "localhost"],
        ["https://streams.example:80", "streams.example:443"],
        ["http://[::1]:8080", "[::2]:8080"],
      ] as const) {
        const target = wire.at("a.txt", "verb=APPEND");
        assert.equal((await wire.send({ method: "POST", target, headers: { Origin, Host }, body: "x" })).status, 403);
      }
    },

    "a foreign origin may not append, and nothing is created": async (wire) => {
      for (const Origin of FOREIGN) {
        const peer = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND"), headers: { Origin } });
        const refusal = await peer.response();
        assert.deepEqual([Origin, refusal.status, refusal.text === ""], [Origin, 403, false]);
        for (const method of ["POST", "PUT"]) {
          const target = wire.at("a.txt", "verb=APPEND");
          const response = await wire.send({ method, target, headers: { Origin }, body: "x" });
          assert.deepEqual([method, Origin, response.status], [method, Origin, 403]);
        }
      }
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "a foreign origin may not follow by upgrade": async (wire) => {
      await wire.appender("a.txt");
      for (const Origin of FOREIGN) {
        const peer = await wire.upgrade({ target: wire.at("a.txt", "verb=FOLLOW"), headers: { Origin } });
        assert.deepEqual([Origin, (await peer.response()).status], [Origin, 403]);
      }
    },

    "another port or another host is foreign": async (wire) => {
      const { hostname, port } = new URL(own);
      for (const Origin of [
        `http://${hostname}:${Number(port) + 1}`,
        `http://${hostname}`,
        `http://x.${hostname}:${port}`,
      ]) {
        const peer = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND"), headers: { Origin } });
        assert.deepEqual([Origin, (await peer.response()).status], [Origin, 403]);
      }
    },

    "a request without an origin may do everything": async (wire) => {
      await wire.appender("a.txt");
      await wire.follower("a.txt");
      await wire.put("b.txt", "x");
    },

    "a foreign origin may read, but a browser will not show it": async (wire) => {
      await wire.put("a.txt", "hello");
      for (const Origin of FOREIGN) {
        const read = await wire.get("a.txt", "", { Origin });
        assert.deepEqual([read.status, read.text], [200, "hello"]);
        assert.equal(read.headers.get("access-control-allow-origin"), null);
      }
    },
  });
}
