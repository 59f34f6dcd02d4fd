/** The metrics of several servers as one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { MetricsSum, type Snapshot } from "../../src/metrics/sum.ts";
import { samplesOf } from "../fixture/metrics.ts";

/** What a server with these numbers reports. */
async function snapshot(count: number, open: number, lag: number): Promise<Snapshot> {
  const registers = [new Registry()];
  new Counter({ name: "httpfstream_count_total", help: "c", labelNames: ["kind"], registers }).inc(
    { kind: "a" },
    count,
  );
  new Gauge({ name: "httpfstream_open", help: "o", registers }).set(open);
  new Gauge({ name: "httpfstream_lag", help: "l", aggregator: "max", registers }).set(lag);
  new Histogram({ name: "httpfstream_seconds", help: "s", buckets: [1, 2], registers }).observe(count);
  const [registry] = registers;
  // As it arrives from another process.
  return JSON.parse(JSON.stringify(await registry?.getMetricsAsJSON())) as Snapshot;
}

test("counts are added up, of servers that have ended, too", async () => {
  const sum = new MetricsSum();
  const [one, other] = [await snapshot(1, 10, 5), await snapshot(2, 20, 7)];
  const both = samplesOf(await sum.text([one, other]));
  assert.deepEqual(
    [
      'httpfstream_count_total{kind="a"}',
      "httpfstream_open",
      "httpfstream_lag",
      "httpfstream_seconds_count",
      "httpfstream_seconds_sum",
    ].map((name) => both.get(name)),
    [3, 30, 7, 2, 3],
  );
  sum.add(one);
  sum.add(one);
  const left = samplesOf(await sum.text([other]));
  assert.deepEqual(
    [
      'httpfstream_count_total{kind="a"}',
      "httpfstream_open",
      "httpfstream_lag",
      "httpfstream_seconds_count",
      'httpfstream_seconds_bucket{le="1"}',
    ].map((name) => left.get(name)),
    [4, 20, 7, 3, 2],
  );
});

test("a server that ends while the sum is made counts once", async () => {
  const sum = new MetricsSum();
  const [one, other] = [await snapshot(1, 0, 0), await snapshot(2, 0, 0)];
  const name = 'httpfstream_count_total{kind="a"}';
  const both = sum.text([one, other]);
  sum.add(one);
  const left = sum.text([other]);
  sum.add(other);
  const none = sum.text([]);
  for (const text of [both, left, none, sum.text([])]) assert.equal(samplesOf(await text).get(name), 3);
});

test("without servers there is what they have counted, and what the group says of itself", async () => {
  const sum = new MetricsSum();
  assert.equal((await sum.text([])).trim(), "");
  sum.add(await snapshot(5, 1, 1));
  const own = { name: "httpfstream_workers", help: "w", type: "gauge", value: 3 } as const;
  const samples = samplesOf(await sum.text([], [own]));
  assert.deepEqual(
    [
      samples.get('httpfstream_count_total{kind="a"}'),
      samples.get("httpfstream_open"),
      samples.get("httpfstream_workers"),
    ],
    [5, undefined, 3],
  );
});
