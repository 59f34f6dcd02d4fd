/** The second listener of the standalone server: probes and metrics. */
import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { request } from "../fixture/http.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { start } from "./commands.ts";

/** A server with its second listener. */
interface Watched {
  readonly server: TestServer;
  /** The URL of the second listener, without a trailing slash. */
  readonly admin: string;
}

async function watched(
  test: TestContext,
  runtime = RUNTIMES[0] ?? "node",
  args: readonly string[] = [],
): Promise<Watched> {
  const server = await startStandalone(runtime, { args: ["--admin", "127.0.0.1:0", ...args] });
  test.after(() => server.kill9());
  const [, admin = ""] = await server.program.printed(/^probes and metrics at (\S+)\/$/m);
  return { server, admin };
}

async function asked(url: string): Promise<[number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

describe("the second listener", { timeout: 120_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`answers probes and gives metrics until the shutdown is done, on ${runtime}`, async (test) => {
      const { server, admin } = await watched(test, runtime, ["--limit", "shutdownTimeoutMs=60000"]);
      assert.deepEqual(await asked(`${admin}/healthz`), [200, "ok\n"]);
      assert.deepEqual(await asked(`${admin}/readyz`), [200, "ok\n"]);
      // The file that was written is removed.
      assert.deepEqual(await readdir(join(server.root, ".httpfstream", "temporary")), []);
      assert.equal((await asked(`${admin}/`))[0], 404);
      assert.equal((await asked(`${admin}/a.log`))[0], 404);
      assert.equal((await asked(`${server.url}/metrics`))[0], 404);

      const appender = await V1Peer.open(server.url, { target: "/a.log?verb=APPEND" });
      await appender.send("hello");
      await appender.acked(5);
      const response = await fetch(`${admin}/metrics`);
      assert.equal(response.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
      const samples = samplesOf(await response.text());
      assert.equal(samples.get('httpfstream_appends_open{transport="websocket"}'), 1);
      assert.equal(samples.get("httpfstream_append_bytes_total"), 5);
      assert.equal(samples.get('httpfstream_refusals_total{code="not_found"}'), 1);
      assert.equal(samples.get('httpfstream_store_seconds_count{operation="append"}'), 1);
      assert.ok(samples.has('httpfstream_event_loop_delay_seconds{quantile="0.99"}'));

      // The shutdown waits for the appender to answer its close frame.
      appender.peer.connection.socket.pause();
      const stopped = server.stop();
      await server.program.printed(/shutdown begins/);
      const [status, why] = await asked(`${admin}/readyz`);
      assert.deepEqual([status, why], [503, "The server is shutting down.\n"]);
      assert.equal((await asked(`${admin}/healthz`))[0], 200);
      appender.peer.connection.socket.resume();
      assert.deepEqual(await stopped, { code: 0, signal: null });
    });
  }

  it("counts a session in its grace period", async (test) => {
    const { server, admin } = await watched(test);
    const appender = await V1Peer.open(server.url, { target: "/b.log?verb=APPEND" });
    await appender.send("x");
    await appender.acked(1);
    appender.peer.connection.drop();
    await until("the session to wait", async () => {
      const samples = samplesOf((await asked(`${admin}/metrics`))[1]);
      return samples.get("httpfstream_sessions_in_grace") === 1;
    });
  });

  it("is not ready while the root can't be written to, and says why", async (test) => {
    const { server, admin } = await watched(test);
    const folder = join(server.root, ".httpfstream", "temporary");
    assert.equal((await asked(`${admin}/readyz`))[0], 200);
    // The server tidies up once after its start, and then removes what is in the place of a folder.
    const why = await until("a refusal", async () => {
      await rm(folder, { recursive: true, force: true });
      await writeFile(folder, "not a folder");
      const [status, text] = await asked(`${admin}/readyz`);
      return status === 503 ? text : undefined;
    });
    assert.match(why, /^The root folder can't be written to: .+\.\n$/);
    // The tidying server may have removed it already.
    await rm(folder, { force: true });
    assert.equal((await asked(`${admin}/readyz`))[0], 200);
  });

  it("refuses a foreign Host", async (test) => {
    const { admin } = await watched(test);
    for (const target of ["/metrics", "/healthz", "/readyz"]) {
      assert.equal((await request(admin, { target, headers: { Host: "evil.example" } })).status, 421);
      // Its own Host, and another one in the target, which counts more.
      assert.equal((await request(admin, { target: `http://evil.example${target}` })).status, 421);
      assert.equal((await request(admin, { target: `${admin}${target}` })).status, 200);
    }
  });

  const same: [string, string][] = [
    ["127.0.0.1:8080", "127.0.0.1:8080"],
    [":8080", "127.0.0.1:8080"],
    ["localhost:8080", "0.0.0.0:8080"],
  ];
  for (const [http, admin] of same) {
    it(`refuses --http ${http} with --admin ${admin}`, async () => {
      const command = await start("node", ["serve", "--root", "unused", "--http", http], { HTTPFSTREAM_ADMIN: admin });
      assert.equal((await command.end()).code, 2);
      assert.match(String(command.stderr.bytes()), /^[^\n]*--admin[^\n]*port 8080[^\n]*\n$/);
    });
  }
});
