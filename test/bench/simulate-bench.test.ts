/** What `npm run simulate` takes from the benchmark's results, and how it compares itself with them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LOADS } from "../../scripts/bench/loads/all.ts";
import type { Results } from "../../scripts/bench/results.ts";
import { sizeOf } from "../../scripts/bench/size.ts";
import { compare, isOff, ofDeliveries, TOLERANCE } from "../../scripts/simulate/against.ts";
import { BenchNumbers, FLOODS, PACED, PATHS_PER_SECOND } from "../../scripts/simulate/bench-numbers.ts";
import { type Costs, costFile, defaultCosts, withCosts } from "../../scripts/simulate/costs.ts";
import { FITTED, fit, isSource } from "../../scripts/simulate/fit.ts";
import { PROJECT } from "../fixture/processes.ts";

const COSTS = defaultCosts();
const PUBLISHED = JSON.parse(readFileSync(join(PROJECT, "docs", "bench.json"), "utf8")) as Results;

/** The results of a benchmark on a machine that obeys the model. The size is the full one. */
function ideal(costs: Costs): Pick<Results, "size" | "loads"> {
  const loads: Record<string, Record<string, Record<string, number[]>>> = {};
  const put = (load: string, numbers: Record<string, number>, peer = "httpfstream"): void => {
    const entries = Object.entries(numbers).map(([key, value]) => [key, [value]]);
    loads[load] = { ...loads[load], [peer]: Object.fromEntries(entries) };
  };
  const gib = 2 ** 30;
  const frames = ((gib / costs.batchBytes) * costs.deliveryUs) / 1e6;
  const counts = { few: 100, many: 1000, crowd: 10_000 };
  for (const [load, { perSecond, followers }] of Object.entries(PACED)) {
    const count = counts[followers];
    const percent = (eachUs: number): number => (perSecond * (costs.appendUs + count * eachUs)) / 1e4;
    const p50 = costs.baseMs + (count * costs.deliveryUs) / 2000;
    const peakMemory = costs.processMib + (count * costs.followerKib) / 1024;
    put(load, { serverCpu: percent(costs.deliveryUs), p50, p99: 2 * p50, peakMemory });
    put(load, { serverCpu: percent(costs.httpDeliveryUs) }, "httpfstream-http");
  }
  for (const [load, { followers }] of Object.entries(FLOODS)) {
    const perFollower = costs.ingestGibSeconds / counts[followers];
    put(load, { serverCost: costs.deliveredGibSeconds + frames + perFollower });
  }
  put("ingest-one", { serverCost: costs.ingestGibSeconds });
  put("ingest-many", { serverCost: costs.ingestGibSeconds });
  const warmAndAll = 1020;
  put("paths", {
    serverCpu: (1000 * PATHS_PER_SECOND * (costs.appendUs + costs.deliveryUs)) / 1e4,
    peakMemory: costs.processMib + (warmAndAll * (costs.pathKib + costs.followerKib)) / 1024,
  });
  put("memory-idle", { each: costs.followerKib, whole: costs.processMib + (5000 * costs.followerKib) / 1024 });
  put("connect", { each: costs.connectMs, all: 2000 * costs.connectMs });
  return { size: "full", loads };
}

/** Results with one metric multiplied. */
function scaled(results: Pick<Results, "size" | "loads">, load: string, metric: string, factor: number): BenchNumbers {
  const copy = structuredClone(results);
  const row = copy.loads[load]?.["httpfstream"];
  assert.ok(row?.[metric]);
  row[metric] = row[metric].map((value) => value * factor);
  return new BenchNumbers(copy);
}

describe("the costs that follow from the benchmark", () => {
  it("are those of docs/bench.json", () => {
    const fitted = fit(new BenchNumbers(PUBLISHED), COSTS);
    const stored = Object.fromEntries(FITTED.map((name) => [name, costFile()[name].value]));
    assert.deepEqual(stored, { ...fitted }, "run npm run simulate -- --bench docs/bench.json --write");
  });

  it("are exact for a machine that obeys the model", () => {
    const other = withCosts(COSTS, { deliveryUs: 5, appendUs: 30, baseMs: 0.4, pathKib: 40, followerKib: 20 }, "test");
    const fitted = fit(new BenchNumbers(ideal(other)), COSTS);
    for (const name of FITTED) assert.ok(Math.abs(fitted[name] / other[name] - 1) < 0.01, `${name}: ${fitted[name]}`);
  });

  it("name a load that is missing, and how to measure it", () => {
    const results = ideal(COSTS);
    delete results.loads["connect"];
    assert.throws(
      () => fit(new BenchNumbers(results), COSTS),
      /no each of httpfstream in connect: npm run bench -- --only connect/,
    );
    assert.equal(isSource(new BenchNumbers(results), COSTS), false);
  });

  it("say where they come from, and how to measure them anew", () => {
    for (const [name, { unit, kind, what, where, again }] of Object.entries(costFile())) {
      assert.ok(["measured", "derived", "assumed"].includes(kind), name);
      for (const text of [what, where, again]) assert.ok(text.length > 3, name);
      assert.equal(typeof unit, "string", name);
    }
    for (const name of FITTED) assert.match(costFile()[name].where, /^docs\/bench\.json, /, name);
    const loads = LOADS.map(({ name }) => name);
    for (const { where, again } of Object.values(costFile())) {
      const words = /--only (\S+)/.exec(again)?.[1]?.split(",") ?? [];
      for (const word of words)
        assert.ok(
          loads.some((load) => load.includes(word)),
          `${word}: ${where}`,
        );
    }
  });
});

describe("the comparison with the benchmark", () => {
  it("knows the loads as the benchmark runs them", () => {
    const size = sizeOf("full");
    const titleOf = (name: string): string => LOADS.find((load) => load.name === name)?.title(size) ?? "";
    for (const [name, { perSecond, followers }] of Object.entries(PACED)) {
      assert.equal(titleOf(name), `Latency of ${perSecond} records a second, followers: ${size[followers]}`);
    }
    assert.match(
      titleOf("paths"),
      new RegExp(`of ${PATHS_PER_SECOND} records a second on each of ${size.paths} paths`),
    );
    for (const [name, { bytes, followers }] of Object.entries(FLOODS)) {
      const kind = bytes === 100 ? "100-byte" : `${bytes / 1024} KiB`;
      assert.equal(titleOf(name), `Flood of ${kind} records to ${size[followers]} followers`);
    }
  });

  it("has ratios of 1 for a machine that obeys the model", () => {
    const comparisons = compare(new BenchNumbers(ideal(COSTS)), COSTS);
    assert.deepEqual(
      [...new Set(comparisons.map(({ load }) => load))].sort(),
      [...Object.keys(PACED), ...Object.keys(FLOODS), "paths", "ingest-one", "ingest-many", "connect"].sort(),
    );
    // The p99 has no base of its own.
    for (const { load, title, predicted, measured } of comparisons.filter(({ title }) => title !== "p99")) {
      assert.ok(Math.abs(predicted / measured - 1) < 0.02, `${load}, ${title}: ${predicted} and ${measured}`);
    }
  });

  it("holds for docs/bench.json", () => {
    const off = compare(new BenchNumbers(PUBLISHED), COSTS).filter((each) => isOff(each, TOLERANCE));
    assert.deepEqual(off, []);
  });

  it("tests most of its predictions with numbers that no cost was computed from", () => {
    const comparisons = compare(new BenchNumbers(PUBLISHED), COSTS);
    const tests = comparisons.filter(({ isFitted }) => !isFitted);
    assert.ok(tests.length > comparisons.length / 2, `${tests.length} of ${comparisons.length}`);
  });

  it("finds a prediction that is off, too high or too low, also for results of another machine", () => {
    for (const factor of [2, 0.5]) {
      const numbers = scaled(ideal(COSTS), "paced-many", "serverCpu", factor);
      const off = compare(numbers, COSTS).filter((each) => isOff(each, TOLERANCE));
      assert.deepEqual(
        off.map(({ load, title }) => [load, title]),
        [["paced-many", "processor per delivery"]],
      );
    }
    const fitted = scaled(ideal(COSTS), "paced-crowd", "serverCpu", 2);
    assert.deepEqual(
      compare(fitted, COSTS)
        .filter((each) => isOff(each, TOLERANCE))
        .map(({ load }) => load),
      ["paced-crowd"],
    );
  });

  it("does not take a number that is none for a good one", () => {
    const each = { load: "a", title: "b", unit: "", predicted: Number.NaN, measured: 1, isFitted: false };
    assert.ok(isOff(each, TOLERANCE));
  });

  it("is about processor time per delivery after a short measurement", () => {
    const loads = ofDeliveries(compare(new BenchNumbers(PUBLISHED), COSTS)).map(({ load }) => load);
    assert.deepEqual(loads.sort(), [...Object.keys(FLOODS), ...Object.keys(PACED)].sort());
  });
});
