/** Clients behind a trusted proxy count by their own addresses. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fstream } from "../../src/index.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { V1Peer } from "../fixture/v1.ts";

for (const [runtime, way] of RUNTIMES.flatMap((each) => WAYS.map((way) => [each, way] as const))) {
  describe(`trusted proxies, ${way} on ${runtime}`, () => {
    const serve = (...trustedProxies: string[]) =>
      startLimited(way, runtime, { limits: { peerAppends: 1 }, trustedProxies });
    const append = (url: string, path: string, headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/${path}?verb=APPEND`, { method: "POST", headers, body: "x" });

    it("limits and the log tell the clients of a trusted proxy apart", async () => {
      const server = await serve("127.0.0.0/8");
      const headers = { "X-Forwarded-For": "203.0.113.5" };
      const first = await V1Peer.open(server.url, { target: targetAt(server.url, "/a.txt?verb=APPEND"), headers });
      await first.control("start");
      // Only the standalone server writes a log by itself.
      if (way === "standalone")
        await server.program.printed(/append begins: \/a\.txt at 0, websocket from 203\.0\.113\.5 id=\S+\n/);
      const refused = await append(server.url, "b.txt", { Forwarded: "for=203.0.113.5" });
      assert.equal(refused.status, 429);
      assert.match(await refused.text(), /^203\.0\.113\.5 has 1/);
      assert.equal((await append(server.url, "b.txt", { "X-Forwarded-For": "203.0.113.6" })).status, 200);
      await first.finish();
      assert.equal((await append(server.url, "b.txt", headers)).status, 200);
      await expectCleanStop(server);
    });

    it("clients of one IPv6 network count as one, and the log has the whole address", async () => {
      const server = await serve("127.0.0.0/8");
      const headers = { "X-Forwarded-For": "2001:db8::5" };
      const first = await V1Peer.open(server.url, { target: targetAt(server.url, "/a.txt?verb=APPEND"), headers });
      await first.control("start");
      if (way === "standalone")
        await server.program.printed(/append begins: \/a\.txt at 0, websocket from 2001:db8::5 id=\S+\n/);
      const refused = await append(server.url, "b.txt", { "X-Forwarded-For": "2001:db8::ffff:6" });
      assert.equal(refused.status, 429);
      assert.match(await refused.text(), /^2001:db8::\/64 has 1/);
      assert.equal((await append(server.url, "b.txt", { "X-Forwarded-For": "2001:db8:0:1::5" })).status, 200);
      assert.equal((await append(server.url, "b.txt", { "X-Forwarded-For": "::ffff:203.0.113.5" })).status, 200);
      await first.finish();
      await expectCleanStop(server);
    });

    it("the headers of anyone else are ignored", async () => {
      const server = await serve("10.0.0.1");
      const headers = { "X-Forwarded-For": "203.0.113.5" };
      const first = await V1Peer.open(server.url, { target: targetAt(server.url, "/a.txt?verb=APPEND"), headers });
      await first.control("start");
      assert.equal((await append(server.url, "b.txt", { "X-Forwarded-For": "203.0.113.6" })).status, 429);
      await first.finish();
      await expectCleanStop(server);
    });
  });
}

it("fstream() takes trustedProxies, and refuses what is no address", async () => {
  const root = await temporaryFolder("proxies");
  assert.throws(() => fstream({ root, trustedProxies: ["localhost"] }), /trusted proxy is an IP address/);
  const app = fstream({ root, trustedProxies: ["127.0.0.1"] });
  // Without an address of the connection, no header counts.
  const answer = await app.request("/a.txt?verb=APPEND", {
    method: "POST",
    headers: { "X-Forwarded-For": "203.0.113.5" },
    body: "x",
  });
  assert.equal(answer.status, 200);
  await app.close();
  await removeFolder(root);
});
