/** The standalone server on NATS: its options, probes and metrics, its shutdown, and what it says when it can't start. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { append, follow } from "../../src/client/mod.ts";
import { type Command, start } from "../cli/commands.ts";
import { newPrefix } from "../fixture/jetstream.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";

const nats = serverForTests();

/** A server on NATS, with its second listener. */
interface Served {
  readonly program: Command;
  readonly url: string;
  readonly admin: string;
}

async function textOf(url: string): Promise<string> {
  return new Response(follow(url) as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

async function asked(url: string): Promise<[number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

describe("serve --store nats://", { skip: "missing" in nats && nats.missing, timeout: 240_000 }, () => {
  let cluster: NatsCluster;
  before(async () => {
    if ("path" in nats) cluster = await NatsCluster.start(nats.path, { maxFileBytes: 32 * 1024 ** 3 });
  });
  after(() => cluster?.stop());

  /** The command line of a server. The URL of the store is in the environment, with a password that NATS ignores. */
  function lineOf(prefix: string, args: readonly string[] = []): [string[], Record<string, string>] {
    const { port } = new URL(cluster.servers[0]?.replace("nats:", "http:") ?? "");
    // Each test has an installation of its own, beside those of the others.
    const own = ["--store-prefix", prefix, "--store-max-bytes", String(2 * 1024 ** 3)];
    const line = ["serve", ...own, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...args];
    const HTTPFSTREAM_STORE_MONITOR = cluster.monitors.join(" ");
    return [line, { HTTPFSTREAM_STORE: `nats://me:s3cret@127.0.0.1:${port}`, HTTPFSTREAM_STORE_MONITOR }];
  }

  async function serve(runtime: Runtime, prefix: string, args: readonly string[] = []): Promise<Served> {
    const program = await start(runtime, ...lineOf(prefix, args));
    const [, url = ""] = await program.printed(/, serving nats:\/\/127\.0\.0\.1:\d+ at (\S+)\//);
    const [, admin = ""] = await program.printed(/^probes and metrics at (\S+)\/$/m);
    return { program, url, admin };
  }

  for (const runtime of RUNTIMES) {
    it(`serves one store through two servers, with probes and metrics, on ${runtime}`, async (test) => {
      const prefix = newPrefix();
      const servers = await Promise.all([serve(runtime, prefix), serve("node", prefix)]);
      const [one, other] = servers as [Served, Served];
      test.after(() => Promise.all(servers.map(({ program }) => program.stop("SIGKILL"))));
      await append(`${one.url}/a.txt`, "hello");
      assert.equal(await textOf(`${other.url}/a.txt`), "hello");

      const appender = await V1Peer.open(one.url, { target: "/live.log?verb=APPEND" });
      await appender.send("one");
      await appender.acked(3);
      const text = textOf(`${other.url}/live.log`);
      await until("the other server to watch the append", async () => {
        return samplesOf((await asked(`${other.admin}/metrics`))[1]).get("httpfstream_store_taps") === 1;
      });
      const samples = samplesOf((await asked(`${one.admin}/metrics`))[1]);
      assert.equal(samples.get("httpfstream_store_up"), 1);
      assert.equal(samples.get("httpfstream_store_fenced_total"), 0);
      assert.equal(samples.get("httpfstream_store_takeovers_total"), 0);
      assert.ok((samples.get("httpfstream_store_lease_age_seconds") ?? 99) < 10);
      assert.ok(samples.has("httpfstream_store_retries_total") && samples.has("httpfstream_store_tap_gaps_total"));
      assert.ok((samples.get('httpfstream_store_seconds_count{operation="append"}') ?? 0) >= 2, "the times of acks");
      assert.deepEqual(await asked(`${one.admin}/readyz`), [200, "ok\n"]);

      // The session continues at the other server, and so does the follower.
      const stopped = one.program.stop();
      assert.equal((await appender.closed()).code, 1012);
      assert.deepEqual(await stopped, { code: 0, signal: null });
      assert.equal((await asked(`${other.admin}/readyz`))[0], 200);
      const { session } = await appender.control("start");
      const resumed = await V1Peer.open(other.url, { target: `/live.log?verb=APPEND&session=${session}` });
      await resumed.send("two");
      await resumed.acked(6);
      assert.equal(await resumed.finish(), 6);
      assert.equal(await text, "onetwo");
      assert.deepEqual(await other.program.stop(), { code: 0, signal: null });
      for (const { program } of servers) assert.doesNotMatch(program.output, /s3cret/);
    });
  }

  it("shows no password in its command line", async (test) => {
    const { program } = await serve("node", newPrefix());
    test.after(() => program.stop("SIGKILL"));
    assert.doesNotMatch(await readFile(`/proc/${program.pid}/cmdline`, "utf8"), /s3cret/);
    assert.deepEqual(await program.stop(), { code: 0, signal: null });
  });

  it("takes the prefix, and warns if it does without the proof", async (test) => {
    const prefix = newPrefix();
    const { program } = await serve("node", prefix);
    test.after(() => program.stop("SIGKILL"));
    const [line, env] = lineOf(prefix, ["--store-unsafe-sync"]);
    const unsafe = await start("node", line, { ...env, HTTPFSTREAM_STORE_MONITOR: "" });
    test.after(() => unsafe.stop("SIGKILL"));
    await unsafe.printed(/^WARNING: UNSAFE\. .*--store-monitor/m);
  });

  it("refuses to start with another number of replicas, and says how to change it", async (test) => {
    const prefix = newPrefix();
    const { program } = await serve("node", prefix);
    test.after(() => program.stop("SIGKILL"));
    const other = await start("node", ...lineOf(prefix, ["--replicas", "3"]));
    assert.deepEqual(await other.end(), { code: 1, signal: null });
    assert.match(other.output, /is on 1 NATS servers, not on 3\. .*nats stream edit NAME --replicas 3/);
    assert.match(String(other.stderr.bytes()), /^[^\n]+\n$/);
  });

  it("refuses to start on servers that acknowledge before they write to their disks", async (test) => {
    assert.ok("path" in nats);
    const fast = await NatsCluster.start(nats.path, { sync: "2m" });
    test.after(() => fast.stop());
    const args = ["--store", `${fast.servers[0]}`, "--store-monitor", `${fast.monitors[0]}`];
    const program = await start("node", ["serve", ...args, "--http", "127.0.0.1:0"]);
    assert.deepEqual(await program.end(), { code: 1, signal: null });
    assert.match(program.output, /acknowledges before its disk has the bytes\. Set "sync_interval: always"/);
  });

  it("is not ready while NATS does not answer, and serves again afterwards", async (test) => {
    assert.ok("path" in nats);
    const own = await NatsCluster.start(nats.path, { maxFileBytes: 32 * 1024 ** 3 });
    test.after(() => own.stop());
    const args = ["--store", `${own.servers[0]}`, "--store-monitor", `${own.monitors[0]}`];
    const line = ["serve", ...args, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const program = await start("node", line);
    test.after(() => program.stop("SIGKILL"));
    const [, url = ""] = await program.printed(/, serving nats:\S+ at (\S+)\//);
    const [, admin = ""] = await program.printed(/^probes and metrics at (\S+)\/$/m);
    await append(`${url}/a.txt`, "hello");
    own.nodes[0]?.signal("SIGSTOP");
    const why = await until("readyz to refuse", async () => {
      const [status, text] = await asked(`${admin}/readyz`);
      return status === 503 ? text : undefined;
    });
    assert.match(why, /^[^\n]+\n$/);
    assert.equal(samplesOf((await asked(`${admin}/metrics`))[1]).get("httpfstream_store_up"), 0);
    own.nodes[0]?.signal("SIGCONT");
    await until("readyz to accept", async () => (await asked(`${admin}/readyz`))[0] === 200);
    assert.equal(await textOf(`${url}/a.txt`), "hello");
    assert.deepEqual(await program.stop(), { code: 0, signal: null });
  });
});
