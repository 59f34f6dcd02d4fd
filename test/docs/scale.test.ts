/** docs/scale.md: its tables are what `npm run simulate` prints, its commands run, and its sentences hold for its numbers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { parseOptions as parseBenchOptions } from "../../scripts/bench/options.ts";
import type { Results } from "../../scripts/bench/results.ts";
import { LIVE_TOLERANCE, TOLERANCE } from "../../scripts/simulate/against.ts";
import { BenchNumbers } from "../../scripts/simulate/bench-numbers.ts";
import { type Outcome, outcomesOf } from "../../scripts/simulate/cases.ts";
import { COST_NAMES, costFile, defaultCosts, LIMIT_NAMES } from "../../scripts/simulate/costs.ts";
import { type CaseName, DEFAULT_LOADS } from "../../scripts/simulate/loads.ts";
import { parseOptions } from "../../scripts/simulate/options.ts";
import { differing, readPage } from "../../scripts/simulate/page.ts";
import { pageTables } from "../../scripts/simulate/report.ts";
import { PROJECT, Program } from "../fixture/processes.ts";
import { sectionsOf } from "./markdown.ts";

const PAGE = readPage();
const COSTS = defaultCosts();
const RESULTS = JSON.parse(readFileSync(join(PROJECT, "docs", "bench.json"), "utf8")) as Results;

/** Its options that measure, or change the page: they are only parsed here. */
const NOT_RUN = ["--live", "--write", "--bench"];

describe("docs/scale.md", () => {
  it("has the tables of the costs, each in its place", () => {
    const tables = pageTables(costFile(), COSTS, new BenchNumbers(RESULTS));
    assert.deepEqual(differing(PAGE, tables), [], "run npm run simulate -- --write");
    const places = [...PAGE.matchAll(/^<!-- simulate: ([\w-]+) -->$/gm)].map(([, name]) => name);
    assert.deepEqual(places.sort(), tables.map(({ name }) => name).sort());
  });

  it("says what to change for each resource that a table shows", () => {
    const [, changes = ""] = /^## What to change$([\s\S]*?)^## /m.exec(PAGE) ?? [];
    const cells = [...changes.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = ""]) => cell.replaceAll("`", ""));
    const known = new Set(cells.flatMap((cell) => cell.split(", ")));
    for (const { bounds, store } of allOutcomes()) {
      for (const { resource } of [...bounds, ...(store?.bounds ?? [])]) assert.ok(known.has(resource), resource);
    }
  });

  it("names no cost or limit that the model does not have", () => {
    const names = new Set<string>([...COST_NAMES, ...LIMIT_NAMES]);
    for (const [, name = ""] of PAGE.matchAll(/`([a-z]+[A-Z]\w+)`/g)) assert.ok(names.has(name), name);
  });

  it("states the tolerances", () => {
    const text = PAGE.replaceAll(/\s+/g, " ");
    assert.ok(text.includes(`above ${TOLERANCE} or below 1/${TOLERANCE}`));
    assert.ok(text.includes(`tolerance of ${LIVE_TOLERANCE}`));
  });
});

describe("the commands of docs/scale.md", () => {
  const [block] = sectionsOf(PAGE).flatMap(({ blocks }) => blocks);
  const lines = (block?.text ?? "").split("\n").map((line) => line.replace(/ *#.*$/, ""));

  for (const line of lines) {
    const [, script = "", rest = ""] = /^npm run ([\w:]+)(?: -- (.*))?$/.exec(line) ?? [];
    const args = rest.split(" ").filter(Boolean);
    const isRun = script === "simulate" && !NOT_RUN.some((option) => args.includes(option));
    it(`${isRun ? "run" : "have options that exist"}: ${line}`, { timeout: 60_000 }, async () => {
      assert.ok(script !== "", line);
      if (isRun) await succeeds(args);
      else if (script === "bench") assert.ok(parseBenchOptions(args));
      else
        assert.ok(
          parseOptions(args.map((word) => (word === "mine.json" ? join(PROJECT, "docs", "bench.json") : word))),
        );
    });
  }

  it("print the tables of the page, and find that it has them", { timeout: 60_000 }, async () => {
    const printed = await succeeds([]);
    for (const { name } of allOutcomes()) assert.ok(printed.includes(name), name);
    assert.equal(await succeeds(["--check"]), "docs/scale.md has the tables of the costs.\n");
  });

  it("end with 2 after an option that makes no sense, and with 1 after a prediction that is off", {
    timeout: 60_000,
  }, async () => {
    const wrong = simulate(["--cost", "speed=7"]);
    assert.equal((await wrong.exited).code, 2, wrong.output);
    assert.match(wrong.output, /there is no cost "speed".* See npm run simulate -- --help\./);
    const off = simulate(["--cost", "deliveryUs=70", "--against", join(PROJECT, "docs", "bench.json")]);
    assert.equal((await off.exited).code, 1, off.output);
    assert.match(off.output, /^paced-many: the prediction of processor per delivery is off by more than 1\.5\.$/m);
  });
});

describe("what docs/scale.md says about its tables", () => {
  const [slow, busy, large, events, joined, polls, cached] = outcomesOf("one-path", DEFAULT_LOADS, COSTS);
  const [files, posts, nats] = outcomesOf("many-paths", DEFAULT_LOADS, COSTS);
  const [, smallInNats, , largeInNats] = outcomesOf("appenders", DEFAULT_LOADS, COSTS);

  it("holds for a million followers", () => {
    // "The default limits decide, and the processor is next."
    assert.deepEqual(resources(slow).slice(0, 3), ["pathFollowers", "connections", "processor"]);
    assert.equal(resources(busy)[0], "processor");
    assert.equal(resources(large)[0], "network");
    // "Gathers its ten records": as many servers as the first row.
    const { bytes, busyPerSecond } = DEFAULT_LOADS["one-path"];
    const loads = { ...DEFAULT_LOADS, "one-path": { ...DEFAULT_LOADS["one-path"], bytes: bytes * busyPerSecond } };
    assert.equal(outcomesOf("one-path", loads, COSTS)[0]?.servers, slow?.servers);
    // "The most expensive way without a cache, and with one a single server."
    for (const other of [slow, busy, events]) assert.ok((polls?.servers ?? 0) > (other?.servers ?? 0));
    assert.deepEqual([cached?.servers, joined?.servers], [1 + COSTS.spareMachines, 1 + COSTS.spareMachines]);
  });

  it("holds for NATS below a million followers", () => {
    for (const outcome of [slow, busy, events, joined, polls, cached]) {
      assert.ok(sending(outcome) < 0.01, outcome?.name);
    }
    assert.ok(sending(large) > 0.3 && sending(large) < 1);
  });

  it("holds for a million paths", () => {
    assert.equal(files?.store, undefined);
    assert.equal(resources(posts)[0], "processor");
    assert.ok((posts?.servers ?? 0) > (files?.servers ?? 0));
    assert.equal(nats?.store?.bounds[0]?.resource, "flushes");
  });

  it("holds for a thousand servers of appenders", () => {
    for (const outcome of [smallInNats, largeInNats]) {
      assert.ok((outcome?.store?.machines ?? 0) >= 3 * (outcome?.servers ?? Infinity), outcome?.name);
    }
    assert.deepEqual(
      [smallInNats, largeInNats].map((outcome) => outcome?.store?.bounds[0]?.resource),
      ["flushes", "disk"],
    );
  });
});

function allOutcomes(): Outcome[] {
  return (Object.keys(DEFAULT_LOADS) as CaseName[]).flatMap((name) => outcomesOf(name, DEFAULT_LOADS, COSTS));
}

function resources(outcome: Outcome | undefined): string[] {
  return (outcome?.bounds ?? []).map(({ resource }) => resource);
}

/** The share of the network of a NATS leader that is in use. */
function sending(outcome: Outcome | undefined): number {
  return outcome?.store?.bounds.find(({ resource }) => resource === "network")?.machines ?? Number.NaN;
}

function simulate(args: readonly string[]): Program {
  return new Program(process.execPath, [join(PROJECT, "scripts", "run.mjs"), "scripts/simulate/main.ts", ...args]);
}

async function succeeds(args: readonly string[]): Promise<string> {
  const program = simulate(args);
  assert.equal((await program.exited).code, 0, program.output);
  return program.stdout.bytes().toString();
}
