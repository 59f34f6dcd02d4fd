/** The limit on the time of a gate, and uploads that wait for it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { sign, signer } from "../auth/tokens.ts";
import { startLimited, targetAt, WAYS, type Way } from "../fixture/limited.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { OFFER } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** A server whose gate does not answer: a standalone one waits for the keys of a provider that is silent. */
async function withSilentGate(
  test: TestContext,
  { way, runtime }: { way: Way; runtime: Runtime },
  limits: Record<string, number>,
): Promise<{ server: TestServer; headers: Record<string, string> }> {
  if (way === "mounted")
    return { server: await startLimited(way, runtime, { limits, isGateSilent: true }), headers: {} };
  const provider = createServer(() => {});
  await new Promise<void>((listening) => provider.listen(0, "127.0.0.1", listening));
  test.after(() => {
    provider.closeAllConnections();
    provider.close();
  });
  const jwks = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`;
  const args = ["--jwks", jwks, ...Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`])];
  const token = await sign(await signer("ES256"), {});
  return { server: await startStandalone(runtime, { args }), headers: { Authorization: `Bearer ${token}` } };
}

for (const kind of RUNTIMES.flatMap((runtime) => WAYS.map((way) => ({ runtime, way })))) {
  describe(`a gate that does not answer, ${kind.way} on ${kind.runtime}`, { timeout: 60_000 }, () => {
    it("ends requests of every kind with 503, and the log says so", async (test) => {
      const { server, headers } = await withSilentGate(test, kind, { authorizeMs: 300 });
      const { url, program } = server;
      const requests: [string, RequestInit][] = [
        ["/a.txt", {}],
        ["/", {}],
        ["/a.txt?verb=FOLLOW&stay=1", {}],
        ["/a.txt?live=sse&offset=now", {}],
        ["/a.txt?verb=APPEND", { method: "POST", body: "x" }],
        ["/a.txt", { method: "PUT", body: "x" }],
        ["/a.txt", { method: "POST", body: "x" }],
        ["/a.txt", { method: "DELETE" }],
      ];
      const sockets = ["/a.txt?verb=APPEND", "/a.txt?verb=FOLLOW"].map(async (path) => {
        const peer = await WebSocketPeer.open(url, { target: targetAt(url, path), headers: { ...OFFER, ...headers } });
        return await peer.response();
      });
      const answers = requests.map(async ([path, init]) => {
        const response = await fetch(url + path, { ...init, headers });
        return { status: response.status, headers: response.headers, text: await response.text() };
      });
      for (const answer of await Promise.all([...answers, ...sockets])) {
        assert.equal(answer.status, 503, answer.text);
        assert.equal(answer.headers.get("Stream-Error"), "overloaded");
        assert.equal(answer.headers.get("Retry-After"), "1");
        assert.match(answer.text, /^The server could not decide within 0\.3 s \(authorizeMs\) whether .* Try again/);
      }
      await program.printed(/The function "authorize" has not answered within 0\.3 s \(authorizeMs\)\./);
      await expectCleanStop(server);
    });

    it("holds no more uploads than there are places", async (test) => {
      const { server, headers } = await withSilentGate(test, kind, { authorizeMs: 1_000, connections: 1 });
      const uploads = [1, 2, 3].map(async (index) => {
        const response = await fetch(`${server.url}/${index}.txt?verb=APPEND`, { method: "POST", headers, body: "x" });
        assert.equal(response.status, 503);
        assert.equal(response.headers.get("Retry-After"), "1");
        return /\((connections|authorizeMs)\)/.exec(await response.text())?.[1];
      });
      assert.deepEqual((await Promise.all(uploads)).sort(), ["authorizeMs", "connections", "connections"]);
      await expectCleanStop(server);
    });
  });
}
