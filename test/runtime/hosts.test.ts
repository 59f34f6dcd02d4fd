/** A standalone server that listens only for this machine answers only to its own names. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Connection } from "../fixture/connection.ts";
import { readHead, request } from "../fixture/http.ts";
import { PROJECT, RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";
import { upgradeHeaders, WebSocketPeer } from "../fixture/websocket.ts";

const KEY = Buffer.alloc(16, 9).toString("base64");

const FOREIGN = [
  "rebound.example",
  "rebound.example:8080",
  "localhost.rebound.example",
  "xlocalhost",
  "127.0.0.1.rebound.example",
  "a.b.wild.example",
  "wild.example",
];
const OWN = [
  "localhost",
  "LOCALHOST",
  "localhost.",
  "app.localhost:8080",
  "127.0.0.1",
  "192.168.1.20:80",
  "[::1]",
  "[fe80::1]:8080",
  "named.example",
  "Named.Example",
  "one.wild.example",
  "LOCALHOST:8080",
  "LocalHost.:8080",
  "Named.Example:443",
  "localhost:",
  "[::1]:",
  "[::0001]",
  "[0:0:0:0:0:0:0:1]:8080",
  "[FE80::1]:80",
  "127.1:80",
];
const MALFORMED = ["a/b", "a b", "a,b", "u@localhost", "[", "localhost:port"];

for (const runtime of RUNTIMES) {
  const server = await startStandalone(runtime, {
    args: ["--host", "named.example"],
    env: { HTTPFSTREAM_HOST: "ignored.example" },
  });
  const listed = await startStandalone(runtime, { env: { HTTPFSTREAM_HOST: "named.example, *.wild.example" } });
  describe(`the names of a server, on ${runtime}`, { timeout: 60_000 }, () => {
    after(async () => {
      await expectCleanStop(server);
      await expectCleanStop(listed);
    });

    /** The status of a raw request. */
    async function statusOf(head: string): Promise<number> {
      const connection = await Connection.open(listed.url);
      void connection.write(head);
      const { status } = await readHead(connection);
      connection.drop();
      return status;
    }

    it("another name gets a 421 that names the option, for every method, verb and transport", async () => {
      for (const Host of FOREIGN) {
        const headers = { Host };
        for (const [method, target] of [
          ["GET", "/"],
          ["HEAD", "/a.txt"],
          ["GET", "/a.txt?verb=FOLLOW"],
          ["POST", "/a.txt?verb=APPEND"],
          ["DELETE", "/a.txt"],
        ] as const) {
          const answer = await request(listed.url, {
            method,
            target,
            headers,
            ...(method === "POST" ? { body: "x" } : {}),
          });
          assert.equal(answer.status, 421, `${method} ${target} at ${Host}`);
          if (method !== "HEAD") assert.match(answer.text, /--host /);
          assert.equal(answer.headers.get("stream-error"), "misdirected");
          assert.equal(answer.headers.get("cross-origin-resource-policy"), "same-origin");
        }
        for (const verb of ["FOLLOW", "APPEND"]) {
          const peer = await WebSocketPeer.open(listed.url, { target: `/a.txt?verb=${verb}`, headers });
          assert.equal((await peer.response()).status, 421);
        }
      }
      assert.equal((await request(listed.url, { target: "/a.txt" })).status, 404, "nothing was made");
    });

    it("addresses, localhost and the operator's names pass", async () => {
      for (const Host of OWN) {
        assert.equal((await request(listed.url, { target: "/", headers: { Host } })).status, 200, Host);
        const peer = await WebSocketPeer.open(listed.url, { target: "/none?verb=FOLLOW", headers: { Host } });
        assert.equal((await peer.response()).status, 404, Host);
      }
    });

    it("a foreign origin gets a 403 that names the option", async () => {
      const headers = { Origin: "https://elsewhere.example" };
      const answer = await request(listed.url, { method: "PUT", target: "/a?verb=APPEND", headers, body: "x" });
      assert.equal(answer.status, 403);
      assert.match(answer.text, /"--origin https:\/\/elsewhere\.example"/);
      assert.doesNotMatch(answer.text, /"origins"/);
      const sandboxed = { target: "/a?verb=APPEND", headers: { Origin: "null" } };
      const text = (await (await WebSocketPeer.open(listed.url, sandboxed)).response()).text;
      assert.match(text, /"null" may not do this\.\n$/);
    });

    it("the command line overrides the environment variable", async () => {
      assert.equal((await request(server.url, { target: "/", headers: { Host: "named.example" } })).status, 200);
      assert.equal((await request(server.url, { target: "/", headers: { Host: "ignored.example" } })).status, 421);
    });

    it("a missing or empty Host is accepted, also for an upgrade; two or a malformed one get 400", async () => {
      const upgrade = Object.entries(upgradeHeaders(KEY)).map(([name, value]) => `${name}: ${value}\r\n`);
      assert.equal(await statusOf("GET / HTTP/1.0\r\n\r\n"), 200);
      assert.equal(await statusOf("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 200);
      assert.equal(await statusOf(`GET /empty?verb=APPEND HTTP/1.1\r\nHost:\r\n${upgrade.join("")}\r\n`), 101);
      for (const [one, two] of [
        ["localhost", "localhost"],
        ["localhost", "rebound.example"],
        ["", "localhost"],
        ["localhost", ""],
      ]) {
        assert.equal(
          await statusOf(`GET / HTTP/1.1\r\nHost: ${one}\r\nHost: ${two}\r\n\r\n`),
          400,
          `${one} and ${two}`,
        );
        const head = `GET /two?verb=APPEND HTTP/1.1\r\nHost: ${one}\r\nHost: ${two}\r\n${upgrade.join("")}\r\n`;
        assert.equal(await statusOf(head), 400, `an upgrade with ${one} and ${two}`);
      }
      for (const host of MALFORMED) {
        assert.equal(await statusOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 400, host);
        assert.equal(
          await statusOf(`GET /odd?verb=APPEND HTTP/1.1\r\nHost: ${host}\r\n${upgrade.join("")}\r\n`),
          400,
          host,
        );
      }
    });

    it("a target that is an absolute URL is checked by its own host", async () => {
      assert.equal(await statusOf("GET http://rebound.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 421);
      assert.equal(await statusOf("GET http://localhost/ HTTP/1.1\r\nHost: rebound.example\r\n\r\n"), 421);
      assert.equal(await statusOf("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    });

    it("a malformed request is reported before another name, and that before a foreign origin and an unknown method", async () => {
      const headers = { Host: "rebound.example", Origin: "https://elsewhere.example" };
      assert.equal((await request(listed.url, { target: "/a//b", headers })).status, 400);
      assert.equal((await request(listed.url, { target: "/a?verb=x", headers })).status, 400);
      assert.equal((await request(listed.url, { target: "/?limit=0", headers })).status, 400);
      const range = { ...headers, "Content-Range": "bytes 0-0/1" };
      const put = { method: "PUT", target: "/a?verb=APPEND", headers: range, body: "x" };
      assert.equal((await request(listed.url, put)).status, 400);
      const offer = { ...headers, "Sec-WebSocket-Protocol": "a, a" };
      const peer = await WebSocketPeer.open(listed.url, { target: "/a?verb=APPEND", headers: offer });
      assert.equal((await peer.response()).status, 400);
      assert.equal(
        (await request(listed.url, { method: "POST", target: "/a?verb=APPEND", headers, body: "x" })).status,
        421,
      );
      assert.equal((await request(listed.url, { method: "PATCH", target: "/a", headers })).status, 421);
    });
  });
}

describe("a server that listens on a name of this machine", () => {
  it("answers to it, as its banner says, and to no other", async () => {
    const preload = join(PROJECT, "test", "fixture", "own-name.mjs");
    for (const name of ["buildbox.example", "Buildbox.Example", "127.1"]) {
      for (const more of [[], ["--host", "named.example"]]) {
        const server = await startStandalone("node", { preload, args: ["--http", `${name}:0`, ...more] });
        const { host, port } = new URL(server.url);
        const url = `http://127.0.0.1:${port}`;
        assert.match(server.url, new RegExp(`//${name}:`));
        for (const Host of [host, `${name}:${port}`, `localhost:${port}`]) {
          assert.equal((await request(url, { target: "/", headers: { Host } })).status, 200, Host);
        }
        assert.equal((await request(url, { target: "/", headers: { Host: "rebound.example" } })).status, 421);
        await expectCleanStop(server);
      }
    }
  });
});

describe("a server that other machines can reach", () => {
  it("answers to every name unless some are configured", async () => {
    const open = await startStandalone("node", { args: ["--http", "0.0.0.0:0"] });
    const url = open.url.replace("0.0.0.0", "127.0.0.1");
    assert.equal((await request(url, { target: "/", headers: { Host: "any.example" } })).status, 200);
    await open.stop();
    const named = await startStandalone("node", { args: ["--http", "0.0.0.0:0", "--host", "named.example"] });
    const there = named.url.replace("0.0.0.0", "127.0.0.1");
    assert.equal((await request(there, { target: "/", headers: { Host: "any.example" } })).status, 421);
    await named.stop();
  });
});
