/** The metrics of a server in code: what they count, and what they cost where they are not used. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { createStreams, memoryStore } from "../../src/index.ts";
import { createStreams as createWebStreams } from "../../src/web.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { until } from "../fixture/until.ts";

test("appends, follows, bytes and refusals are counted, also while they are open", async () => {
  const streams = createStreams({ store: memoryStore() });
  await streams.append("a", "four");
  const writer = (await streams.openAppend("b")).getWriter();
  await writer.write("12345");
  const reader = streams.follow("b").getReader();
  assert.equal((await reader.read()).value?.length, 5);
  assert.equal((await streams.app.request("/missing")).status, 404);

  const open = samplesOf(await streams.metrics());
  assert.equal(open.get('httpfstream_appends_open{transport="local"}'), 1);
  assert.equal(open.get('httpfstream_appends_total{transport="local"}'), 2);
  assert.equal(open.get('httpfstream_appends_ended_total{transport="local",reason="complete"}'), 1);
  assert.equal(open.get('httpfstream_appends_total{transport="http"}'), 0);
  assert.equal(open.get('httpfstream_follows_open{transport="local"}'), 1);
  assert.equal(open.get("httpfstream_append_bytes_total"), 9);
  assert.equal(open.get('httpfstream_follow_bytes_total{transport="local"}'), 5);
  assert.equal(open.get('httpfstream_refusals_total{code="not_found"}'), 1);
  assert.equal(open.get("httpfstream_follow_lag_bytes"), 0);
  assert.equal(open.get("httpfstream_sessions_in_grace"), 0);
  assert.equal(open.get("httpfstream_shutting_down"), 0);
  assert.ok(![...open.keys()].some((name) => /store|loop/.test(name)), "no times without the option");

  await writer.close();
  assert.equal((await reader.read()).done, true);
  await streams.shutdown();
  const after = samplesOf(await streams.metrics());
  assert.equal(after.get('httpfstream_appends_open{transport="local"}'), 0);
  assert.equal(after.get('httpfstream_appends_ended_total{transport="local",reason="complete"}'), 2);
  assert.equal(after.get('httpfstream_follows_ended_total{transport="local",reason="complete"}'), 1);
  assert.equal(after.get('httpfstream_follow_bytes_total{transport="local"}'), 5);
  assert.equal(after.get("httpfstream_append_bytes_total"), 9);
  assert.equal(after.get("httpfstream_shutting_down"), 1);
});

test("the bytes of reads are counted, short and long ones, with a log and without one", async () => {
  for (const log of [undefined, () => {}]) {
    const streams = createStreams({ store: memoryStore(), ...(log && { log }) });
    const read = async (): Promise<(number | undefined)[]> => {
      const samples = samplesOf(await streams.metrics());
      return ["http", "local"].map((transport) =>
        samples.get(`httpfstream_read_bytes_total{transport="${transport}"}`),
      );
    };
    await streams.append("short", "0123456789");
    await streams.append("long", new Uint8Array(200_000));
    assert.deepEqual(await read(), [undefined, undefined]);
    const get = async (target: string, init: RequestInit = {}): Promise<number> =>
      (await (await streams.app.request(`http://localhost/${target}`, init)).arrayBuffer()).byteLength;
    let expected = 0;
    for (const target of ["short", "short?offset=4", "long", "short?lines", "long?search=x", ""]) {
      expected += await get(target);
      assert.equal((await read())[0], expected, target);
    }
    expected += await get("short", { headers: { Range: "bytes=0-1" } });
    assert.equal(await get("short", { method: "HEAD" }), 0);
    assert.deepEqual(await read(), [expected, undefined]);
    await new Response(streams.read("short", { from: 3 })).text();
    assert.deepEqual(await read(), [expected, 7]);
    await streams.shutdown();
  }
});

test("the lag is that of the slowest follower", async () => {
  const streams = createStreams({ store: memoryStore() });
  const writer = (await streams.openAppend("log")).getWriter();
  await writer.write("x");
  const fast = streams.follow("log").getReader();
  const slow = streams.follow("log").getReader();
  await Promise.all([fast.read(), slow.read()]);
  const total = 4 * 1024 * 1024;
  const chunk = new Uint8Array(64 * 1024);
  const writing = (async () => {
    for (let bytes = 0; bytes < total; bytes += chunk.length) await writer.write(chunk);
  })();
  for (let bytes = 0; bytes < total; ) bytes += (await fast.read()).value?.length ?? 0;
  await writing;
  // The slow follower takes no more than its budget.
  const lag = samplesOf(await streams.metrics()).get("httpfstream_follow_lag_bytes") ?? 0;
  assert.ok(lag >= total / 2 && lag < total, String(lag));
  await slow.cancel();
  await fast.cancel();
  await until(
    "no follower to lag",
    async () => samplesOf(await streams.metrics()).get("httpfstream_follow_lag_bytes") === 0,
  );
  await streams.shutdown();
});

test("with the option, the store and the event loop are timed, each server on its own", async () => {
  const [one, other] = [0, 1].map(() => createStreams({ store: memoryStore(), metrics: true }));
  assert.ok(one && other);
  await one.append("a", "four");
  assert.equal(await new Response(one.read("a")).text(), "four");
  const count = (samples: Map<string, number>, operation: string): number =>
    samples.get(`httpfstream_store_seconds_count{operation="${operation}"}`) ?? 0;
  const text = await one.metrics();
  assert.match(text, /^# TYPE httpfstream_store_seconds histogram$/m);
  const samples = samplesOf(text);
  assert.deepEqual([count(samples, "claim"), count(samples, "append"), count(samples, "read")], [1, 1, 1]);
  assert.ok(count(samples, "stat") >= 1);
  assert.ok(samples.has('httpfstream_event_loop_delay_seconds{quantile="1"}'));
  assert.equal(count(samplesOf(await other.metrics()), "append"), 0);
  await Promise.all([one.shutdown(), other.shutdown()]);
});

test("httpfstream/web has no metrics, and says so", async () => {
  const streams = createWebStreams({ store: memoryStore() });
  await assert.rejects(streams.metrics(), { code: "not_implemented", message: /httpfstream\/web/ });
  await streams.shutdown();
});

test("a server without metrics does not load their library", () => {
  const program = `
    import { createRequire } from "node:module";
    import { createStreams, memoryStore } from "./src/index.ts";
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("prom-client"));
    const streams = createStreams({ store: memoryStore() });
    await streams.append("a", "x");
    const before = loaded();
    await streams.metrics();
    console.log(before, loaded());
    await streams.shutdown();`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  assert.equal(stdout, "false true\n", stderr);
});
