/** All tables of a run. @module */
import { compare, TOLERANCE } from "./against.ts";
import type { BenchNumbers } from "./bench-numbers.ts";
import { type Outcome, outcomesOf } from "./cases.ts";
import type { CostFile, Costs } from "./costs.ts";
import { CASE_NAMES, type CaseName, DEFAULT_LOADS, type Loads } from "./loads.ts";
import { sensitivityTable } from "./sensitivity.ts";
import { againstTable, boundsTable, caseTable, costsTable, type Table } from "./tables.ts";

/** The variant of each case whose bounds are shown: the first one with a common store where there is one. */
const SHOWN: Readonly<Record<CaseName, number>> = { "one-path": 0, "many-paths": 2, appenders: 1 };

/** The tables of some cases, and with all of them what changes if one number does. */
export function caseTables(cases: readonly CaseName[], loads: Loads, costs: Costs): Table[] {
  const tables = cases.flatMap((name) => {
    const outcomes = outcomesOf(name, loads, costs);
    const shown = outcomes[SHOWN[name]];
    return [caseTable(name, outcomes), ...(shown === undefined ? [] : [shownBounds(name, shown)])];
  });
  return cases.length === CASE_NAMES.length ? [...tables, sensitivityTable(loads, costs)] : tables;
}

/** All tables of the page. `numbers` are those of docs/bench.json. */
export function pageTables(file: CostFile, costs: Costs, numbers: BenchNumbers): Table[] {
  return [
    costsTable(file, costs),
    ...caseTables(CASE_NAMES, DEFAULT_LOADS, costs),
    againstTable(compare(numbers, costs), TOLERANCE),
  ];
}

function shownBounds(name: CaseName, outcome: Outcome): Table {
  return boundsTable(`${name}-bounds`, `Of these, ${outcome.name}`, outcome);
}
