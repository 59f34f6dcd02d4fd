/** `npm run simulate`: how many machines large loads need, by a model made of measured unit costs. @module */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { runScript } from "../lib/command-line.ts";
import { ROOT } from "../lib/install.mjs";
import { compare, isOff, ofDeliveries } from "./against.ts";
import { type BenchNumbers, benchNumbersFrom } from "./bench-numbers.ts";
import { COST_NAMES, COSTS_FILE, costFile } from "./costs.ts";
import { measure } from "./live.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { differing, readPage, writeTables } from "./page.ts";
import { caseTables, pageTables } from "./report.ts";
import { againstTable, asText, costsTable } from "./tables.ts";

/** The results that the page compares the model with. */
const RESULTS = join(ROOT, "docs", "bench.json");

await runScript("simulate", HELP, parseOptions, async (options) => {
  const { costs, cases, loads, numbers } = options;
  if (options.list) console.log(asText(costsTable(costFile(), costs)));
  else if (numbers !== undefined) judge(numbers, options);
  else if (options.live) judge(await measure((line) => console.error(line), interruption()), options);
  else if (options.write) write(options);
  else if (options.check) check(options);
  else console.log(caseTables(cases, loads, costs).map(asText).join("\n\n"));
});

function judge(numbers: BenchNumbers, { costs, tolerance, live }: Options): void {
  const comparisons = live ? ofDeliveries(compare(numbers, costs)) : compare(numbers, costs);
  console.log(asText(againstTable(comparisons, tolerance)));
  const off = comparisons.filter((each) => isOff(each, tolerance));
  for (const { load, title } of off)
    console.error(`${load}: the prediction of ${title} is off by more than ${tolerance}.`);
  if (comparisons.length === 0) console.error("The results have no load that the model predicts.");
  if (off.length > 0 || comparisons.length === 0) process.exitCode = 1;
}

function write({ costs, fitsBench }: Options): void {
  const file = costFile();
  const entries = COST_NAMES.map((name) => [name, { ...file[name], value: costs[name] }]);
  if (fitsBench) writeFileSync(COSTS_FILE, `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`);
  writeTables(pageTables(file, costs, benchNumbersFrom(RESULTS, "--write")));
  console.log(`docs/scale.md has the tables${fitsBench ? ", and scripts/simulate/costs.json the costs" : ""}.`);
}

function check({ costs }: Options): void {
  const names = differing(readPage(), pageTables(costFile(), costs, benchNumbersFrom(RESULTS, "--check")));
  if (names.length > 0) {
    console.error(`docs/scale.md has other tables: ${names.join(", ")}. Run npm run simulate -- --write.`);
    process.exitCode = 1;
  } else console.log("docs/scale.md has the tables of the costs.");
}

function interruption(): AbortSignal {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  return interrupted.signal;
}
