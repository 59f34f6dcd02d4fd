/** The configurations of nginx and Caddy in docs/operate.md, with the real programs in front of a real server. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HttpExchange, request } from "../fixture/http.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";
import { PROXIES, type ProxyKind, proxyPrograms, type RunningProxy, startProxy } from "./proxy.ts";

const tools = await temporaryFolder("proxies");
// Finds all programs before it registers the first test: an `after` hook may run while the module still awaits one.
const programs = await proxyPrograms(tools);
after(() => removeFolder(tools));

for (const [index, proxy] of PROXIES.entries()) {
  const program = programs[index];
  const skip = program === undefined && `${proxy.name} is not installed; run scripts/debian.sh ${proxy.name}`;
  describe(`behind ${proxy.name}, as docs/operate.md says`, { skip, timeout: 120_000 }, () =>
    cases(proxy, program ?? ""),
  );
}

function cases(proxy: ProxyKind, program: string): void {
  let url: string;
  let server: TestServer;
  let running: RunningProxy;

  before(async () => {
    server = await startStandalone("node", { args: ["--host", "streams.example.com"] });
    running = await startProxy(proxy, program, server.url, join(tools, `${proxy.name}-data`));
    url = running.url;
  });

  after(async () => {
    await running?.stop();
    await server?.stop();
  });

  it("passes pieces of an upload on at once to followers over HTTP", async () => {
    const headers = { "Transfer-Encoding": "chunked" };
    const upload = await HttpExchange.start(url, { method: "PUT", target: "/http.txt?verb=APPEND", headers });
    await upload.chunk("one");
    await until("the path to exist", async () => (await request(url, { target: "/http.txt" })).text === "one");
    const follower = await HttpExchange.start(url, { target: "/http.txt?verb=FOLLOW" });
    await follower.body.atLeast(3);
    await upload.chunk("two");
    assert.equal(String(await follower.body.atLeast(6)), "onetwo");
    await upload.finish();
    assert.equal((await upload.response()).status, 200);
    assert.equal(String(await follower.body.all()), "onetwo");
  });

  it("passes WebSockets on, of the page's own origin too, and closes them as the server does", async () => {
    const headers = { Origin: url };
    const open = async (verb: string): Promise<WebSocketPeer> =>
      (await WebSocketPeer.open(url, { target: `/socket.txt?verb=${verb}`, headers })).opened();
    const appender = await open("APPEND");
    const follower = await open("FOLLOW");
    await appender.send("hello");
    assert.equal(String(await follower.received.atLeast(5)), "hello");
    await appender.finish();
    assert.equal((await follower.end()).code, 1000);
  });

  it("passes refusals of upgrades on, with their bodies", async () => {
    const missing = await WebSocketPeer.open(url, { target: "/never.txt?verb=FOLLOW" });
    const answer = await missing.response();
    assert.deepEqual([answer.status, answer.text], [404, '"/never.txt" does not exist.\n']);
    const headers = { Origin: "https://elsewhere.example" };
    const foreign = await WebSocketPeer.open(url, { target: "/socket.txt?verb=FOLLOW", headers });
    assert.equal((await foreign.response()).status, 403);
  });

  it("accepts large bodies, and serves ranges of them", async () => {
    const body = randomBytes(5 * 1024 * 1024);
    const stored = await request(url, { method: "PUT", target: "/large.bin?verb=APPEND", body });
    assert.equal(stored.status, 200);
    assert.ok((await request(url, { target: "/large.bin" })).body.equals(body));
    const part = await request(url, { target: "/large.bin", headers: { Range: "bytes=1000000-1000009" } });
    assert.equal(part.status, 206);
    assert.ok(part.body.equals(body.subarray(1_000_000, 1_000_010)));
  });
}
