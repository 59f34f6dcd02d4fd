/** The server's log. Nothing that clients send can end one of its lines or control a terminal. */
import assert from "node:assert/strict";
import { unlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { HttpExchange, request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { V1Peer } from "../fixture/v1.ts";
import { command, start } from "./commands.ts";

/** A line feed with a forged line, escape, C1's CSI, next line, line separator, right-to-left override, delete. */
const HOSTILE = "a\n2026-01-01T00:00:00.000Z INF forged \u001b[31m\u009b1m\u0085\u2028\u202e\u007f";
const ESCAPED = "a\\n2026-01-01T00:00:00.000Z INF forged \\e[31m\\u009b1m\\u0085\\u2028\\u202e\\u007f";

/** The characters that no line of a log may contain. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

async function logging(
  test: TestContext,
  args: readonly string[] = [],
  runtime = RUNTIMES[0] ?? "node",
): Promise<TestServer> {
  const server = await startStandalone(runtime, { args });
  test.after(() => server.kill9());
  return server;
}

/** Causes three refusals and a failed append, all but one with a hostile path. */
async function meetAll({ url, root, program }: TestServer): Promise<void> {
  const target = `/${encodeURIComponent(HOSTILE)}`;
  assert.equal((await request(url, { target: `${target}?access_token=s3cret` })).status, 404);
  // A link that was encoded once or twice too often.
  for (const query of ["%3Faccess_token=s3cret", "%253faccess%255ftoken%253Ds3cret"]) {
    assert.equal((await request(url, { target: `/a${query}` })).status, 404);
  }
  // A target without a path, and another spelling of the parameter.
  assert.equal((await request(url, { target: "http:///a?access%5Ftoken=s3cret" })).status, 400);
  const headers = { Origin: "https://evil.example", "User-Agent": "\u009b31m" };
  const [method, body] = ["POST", "x"];
  assert.equal((await request(url, { method, body, headers, target: `${target}?verb=APPEND` })).status, 403);
  const appender = await V1Peer.open(url, { target: `${target}?verb=APPEND&access_token=s3cret` });
  await appender.send("hello");
  await appender.acked(5);
  await unlink(join(root, HOSTILE));
  await appender.send("more");
  await appender.closed();
  await program.printed(/append ends/);
}

describe("the log", { timeout: 120_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`has only lines of printable text, whatever clients send, on ${runtime}`, async (test) => {
      const server = await logging(test, ["--log-level", "debug"], runtime);
      await meetAll(server);
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
      const [first, open, ...lines] = String(server.program.stdout.bytes()).trimEnd().split("\n");
      assert.match(first ?? "", /^httpfstream /);
      assert.match(open ?? "", /may read and append/);
      for (const line of lines) {
        assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (DBG|INF|ERR) (append|refused|request|shutdown|"\/a\\n)/);
        assert.doesNotMatch(line, UNPRINTABLE);
      }
      const text = lines.join("\n");
      const shown = encodeURIComponent(HOSTILE);
      const has = (line: string): void => assert.ok(text.includes(line), `${line} is not in\n${text}`);
      has(`INF refused: GET /${shown} 404 not_found from 127.0.0.1: "/${ESCAPED}" `);
      has(`DBG request: GET /${shown} 404 in `);
      has(`INF refused: POST /${shown} 403 forbidden from 127.0.0.1: `);
      has(`DBG request: GET /${shown} 101 in `);
      has(`INF append begins: /${shown} at 0, websocket from 127.0.0.1`);
      has(`"/${ESCAPED}" `);
      assert.equal(text.match(/ ERR /g)?.length, 1, text);
      assert.doesNotMatch(text, /s3cret/);
    });

    it(`has only lines of JSON, whatever clients send, on ${runtime}`, async (test) => {
      const server = await logging(test, ["--log-level", "debug", "--log-format", "json"], runtime);
      await meetAll(server);
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
      const lines = String(server.program.stdout.bytes()).trimEnd().split("\n");
      for (const line of lines) assert.doesNotMatch(line, UNPRINTABLE);
      const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const path = `/${encodeURIComponent(HOSTILE)}`;
      const found = (wanted: Record<string, unknown>): void => {
        const has = records.some((record) => Object.entries(wanted).every(([name, value]) => record[name] === value));
        assert.ok(has, `${JSON.stringify(wanted)} is not in\n${lines.join("\n")}`);
      };
      const peer = "127.0.0.1";
      found({
        level: "INFO",
        type: "refusal",
        method: "GET",
        target: path,
        path,
        status: 404,
        code: "not_found",
        peer,
      });
      found({ level: "INFO", type: "refusal", method: "POST", path, status: 403, code: "forbidden", peer });
      found({ level: "DEBUG", type: "request", target: path, status: 101, peer });
      found({ level: "ERROR", type: "error", path });
      found({ level: "INFO", type: "append", phase: "end", path, reason: "changed" });
      found({ level: "INFO", type: "shutdown", phase: "begin", reason: "SIGTERM", appends: 0, follows: 0 });
      found({ level: "INFO", type: "shutdown", phase: "end", reason: "SIGTERM", appends: 0, follows: 0 });
      assert.doesNotMatch(lines.join("\n"), /s3cret/);
    });

    it(`reports interrupted clients as gone or lost, and never as restarting, on ${runtime}`, async (test) => {
      const server = await logging(test, ["--limit", "graceMs=0"], runtime);
      const { url, program } = server;
      const appender = await start("bun", ["append", `${url}/a`]);
      await appender.write("hello\n");
      await program.printed(/append begins: \/a /);
      const followers = [await start("bun", ["follow", `${url}/a`])];
      followers.push(await start("bun", ["follow", "--transport", "http", `${url}/a`]));
      await program.printed(/follow begins: .*(\n.*)*follow begins: /);
      const raw = await V1Peer.open(url, { target: "/a?verb=FOLLOW" });
      for (const follower of followers) assert.equal((await follower.stop("SIGINT")).code, 130);
      raw.peer.connection.drop();
      await program.printed(
        /follow ends: .* gone id=.*\n(.*\n)*.*follow ends: .* gone id=.*\n(.*\n)*.*follow ends: .* gone id=/,
      );
      await appender.stop("SIGKILL");
      await program.printed(/append ends: \/a, 6 bytes in .*, lost id=\S+\n/);
      const upload = await HttpExchange.start(url, {
        method: "PUT",
        target: "/b?verb=APPEND",
        headers: { "Transfer-Encoding": "chunked" },
      });
      await upload.chunk("hello");
      await program.printed(/append begins: \/b /);
      upload.connection.drop();
      await program.printed(/append ends: \/b, \d bytes in .*, lost id=\S+\n/);
      await server.stop();
      assert.doesNotMatch(program.output, /restarting|refused| ERR /);
    });
  }

  it("has refusals at the level info and requests only at debug", async (test) => {
    const server = await logging(test);
    assert.equal((await request(server.url, { target: "/none" })).status, 404);
    await server.stop();
    assert.match(server.program.output, / INF refused: GET \/none 404 not_found from 127\.0\.0\.1: /);
    assert.doesNotMatch(server.program.output, /request:/);
  });

  it("says of a shutdown what was open, what ended, and which signal caused it", async (test) => {
    const server = await logging(test);
    const appender = await V1Peer.open(server.url, { target: "/a?verb=APPEND" });
    await V1Peer.open(server.url, { target: "/a?verb=FOLLOW" });
    await appender.send("x");
    await server.program.printed(/follow begins/);
    await server.stop();
    const { output } = server.program;
    assert.match(output, / INF shutdown begins: SIGTERM, with 1 append and 1 follow open\n/);
    assert.match(output, / INF shutdown done: SIGTERM, 1 append and 1 follow ended in [\d.]+ s\n$/);
  });
});

describe("the commands", { timeout: 60_000 }, () => {
  it("do not let a server's messages control the terminal", async (test) => {
    const said = `you are \u001b]0;title\u0007\u001b[2J\u009b31m\u202e\r\nroot#`;
    const head = "Content-Type: text/plain\r\nStream-Error: forbidden\r\nConnection: close\r\n\r\n";
    const answer = (socket: Duplex): void => void socket.end(`HTTP/1.1 403 Forbidden\r\n${head}${said}`);
    const server = createServer((incoming) => answer(incoming.socket));
    server.on("upgrade", (_request, socket) => answer(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    test.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?access_token=s3cret`;
    for (const args of [
      ["append", "-v", url],
      ["follow", "-v", url],
      ["follow", "-v", "--transport", "http", url],
    ]) {
      const { stderr, output, exit } = await command([...args], { input: "x" });
      assert.equal(exit.code, 1, output);
      for (const line of String(stderr.bytes()).trimEnd().split("\n")) assert.doesNotMatch(line, UNPRINTABLE);
      assert.match(output, /\\e\[2J/);
      assert.doesNotMatch(output, /s3cret/);
    }
  });
});
