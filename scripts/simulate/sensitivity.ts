/** What changes when one of the numbers is twice as high. @module */
import { type Outcome, outcomesOf } from "./cases.ts";
import { COST_NAMES, type Costs, LIMIT_NAMES, type NumberName } from "./costs.ts";
import { CASE_NAMES, type CaseName, type Loads } from "./loads.ts";
import { type Table, whole } from "./tables.ts";

/** The variants that the table compares: their case, their place there, and the heading of their column. */
const COLUMNS: readonly { readonly caseName: CaseName; readonly at: number; readonly title: string }[] = [
  { caseName: "one-path", at: 0, title: "WebSocket" },
  { caseName: "one-path", at: 1, title: "WebSocket, busy" },
  { caseName: "one-path", at: 3, title: "events" },
  { caseName: "one-path", at: 6, title: "polls, CDN" },
  { caseName: "many-paths", at: 0, title: "paths, files" },
  { caseName: "many-paths", at: 2, title: "paths, NATS" },
  { caseName: "appenders", at: 1, title: "appenders, NATS" },
];

/** The table: a row for each number that changes the machines of a variant. A dot: no change. */
export function sensitivityTable(loads: Loads, costs: Costs): Table {
  const base = machines(loads, costs);
  const changed = [...COST_NAMES, ...LIMIT_NAMES].flatMap((name) => {
    const row = machines(loads, { ...costs, [name]: doubled(name, costs[name]) });
    const cells = row.map((cell, at) => (cell === base[at] ? "·" : cell));
    return cells.every((cell) => cell === "·") ? [] : [[label(name), ...cells]];
  });
  return {
    ...{ name: "sensitivity", title: "Machines, if one number is twice as high" },
    header: ["twice as high", ...COLUMNS.map(({ title }) => title)],
    rows: [["as it is", ...base], ...changed],
  };
}

/** Servers, and behind a plus sign the machines of NATS. */
function machines(loads: Loads, costs: Costs): string[] {
  const outcomes = new Map(CASE_NAMES.map((name) => [name, outcomesOf(name, loads, costs)]));
  return COLUMNS.map(({ caseName, at }) => together(outcomes.get(caseName)?.[at]));
}

function together(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "–";
  const { servers, store } = outcome;
  return store === undefined ? whole(servers) : `${whole(servers)} + ${whole(store.machines)}`;
}

/** A share that can't be doubled is halved. */
function doubled(name: NumberName, value: number): number {
  return isHalved(name) ? value / 2 : value * 2;
}

function isHalved(name: NumberName): boolean {
  return name === "utilisation";
}

function label(name: NumberName): string {
  return isHalved(name) ? `\`${name}\`, half` : `\`${name}\``;
}
