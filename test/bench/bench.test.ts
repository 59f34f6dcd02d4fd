/**
 * The benchmark in its smallest size: it runs every load, and loses no byte. These tests do not judge the results.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LOADS as ALL_LOADS } from "../../scripts/bench/loads/all.ts";
import { chart } from "../../scripts/bench/report/chart.ts";
import type { Results } from "../../scripts/bench/results.ts";
import { sizeOf } from "../../scripts/bench/size.ts";
import { PROJECT, type Program } from "../fixture/processes.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { bench } from "./smoke.ts";

/** What `--only` gets in a short version: at least one load of each kind. */
const SOME = [
  "small-few",
  "paced-one",
  "ingest-one",
  "catch-up",
  "connect",
  "join",
  "streams-small",
  "sse",
  "workers-raw",
];

const LOADS = IS_SHORT ? ALL_LOADS.filter(({ name }) => SOME.some((word) => name.includes(word))) : ALL_LOADS;

/** One for most loads, one of Durable Streams, and one with workers. */
const PEERS = ["httpfstream", "httpfstream-streams", "httpfstream-workers"] as const;

/** The peers that run a load, the first of which has all of its metrics. */
function peersOf(load: string): string[] {
  const [plain, streams, workers] = PEERS;
  if (load === "streams-catch-up") return [plain, streams];
  if (load.startsWith("streams-")) return [streams];
  if (load === "workers-raw") return [streams, workers];
  return load.startsWith("workers-") ? [plain, workers] : [plain];
}

describe("the benchmark in its smallest size", () => {
  let folder: string;
  let results: Results;
  let program: Program;

  before(async () => {
    folder = await temporaryFolder("bench");
    const files = ["--json", join(folder, "bench.json"), "--svg", join(folder, "bench.svg")];
    program = bench("--peers", PEERS.join(","), ...(IS_SHORT ? ["--only", SOME.join(",")] : []), ...files);
    const { code } = await program.exited;
    assert.equal(code, 0, program.output);
    results = JSON.parse(await readFile(join(folder, "bench.json"), "utf8"));
  });
  after(() => removeFolder(folder));

  test("runs every load, and loses no byte in any of them", () => {
    assert.deepEqual(
      Object.keys(results.loads),
      LOADS.map(({ name }) => name),
    );
    for (const [name, rows] of Object.entries(results.loads)) {
      assert.deepEqual(Object.keys(rows), peersOf(name), name);
    }
    assert.deepEqual(results.failures, []);
  });

  test("measures every metric that it declares", () => {
    for (const { name, metrics } of LOADS) {
      for (const { key } of metrics) {
        const peer = name === "streams-catch-up" ? PEERS[1] : (peersOf(name)[0] ?? "");
        const numbers = results.loads[name]?.[peer]?.[key] ?? [];
        assert.ok(numbers.length === 1 && numbers.every(Number.isFinite), `${name}: ${key}`);
      }
    }
  });

  test("prints a table and draws a chart with every load", async () => {
    const svg = await readFile(join(folder, "bench.svg"), "utf8");
    for (const text of [program.stdout.bytes().toString(), svg]) {
      for (const { title } of LOADS) assert.ok(text.includes(title(sizeOf("smoke"))));
    }
  });

  test("can draw the chart again from the results", async () => {
    assert.equal(await readFile(join(folder, "bench.svg"), "utf8"), chart(results));
  });
});

test("runs the other loads, too", { skip: IS_SHORT ? LEFT_OUT : false }, () => {
  assert.equal(LOADS.length, ALL_LOADS.length);
});

test("the chart in the documentation shows the results in the documentation", async () => {
  const published = JSON.parse(await readFile(join(PROJECT, "docs", "bench.json"), "utf8")) as Results;
  assert.equal(await readFile(join(PROJECT, "docs", "bench.svg"), "utf8"), chart(published));
});
