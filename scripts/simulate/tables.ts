/** The tables: for a terminal, and in Markdown for the page. @module */
import { aligned, readable } from "../lib/text-table.ts";
import { type Comparison, isOff } from "./against.ts";
import type { Outcome } from "./cases.ts";
import { COST_NAMES, type CostFile, type Costs, LIMIT_NAMES } from "./costs.ts";
import type { CaseName } from "./loads.ts";
import type { Bound, Resource } from "./model.ts";

/** A table. The first cell of a row names it. */
export interface Table {
  /** A short name, by which the page marks its place. */
  readonly name: string;
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table for a terminal. */
export function asText({ title, header, rows }: Table): string {
  return [title, aligned([header, ...rows]).replaceAll("`", "")].join("\n");
}

/** A table for the page. */
export function asMarkdown({ header, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), `|${"---|".repeat(header.length)}`, ...rows.map(line)].join("\n");
}

/** The costs, with what they mean and where they were measured; `costs` has the values in use. */
export function costsTable(file: CostFile, costs: Costs): Table {
  const known = COST_NAMES.map((name) => {
    const { unit, kind, what, where } = file[name];
    return [`\`${name}\``, `${costs[name]} ${unit}`.trim(), what, `${kind}: ${where}`];
  });
  const limits = LIMIT_NAMES.map((name) => [
    `\`${name}\``,
    String(costs[name]),
    "limit of a server process",
    "assumed: the server's default",
  ]);
  return {
    ...{ name: "costs", title: "Costs" },
    header: ["name", "value", "what it is", "where from"],
    rows: [...known, ...limits],
  };
}

/** What the variants of a case need. */
export function caseTable(name: CaseName, outcomes: readonly Outcome[]): Table {
  const isFanOut = outcomes.some(({ lastMs }) => lastMs !== undefined);
  const isFilled = outcomes.some(({ appenders }) => appenders !== undefined);
  const header = [
    ...["", ...(isFilled ? ["appenders"] : []), "servers", "NATS machines", "breaks first", "then"],
    ...(isFanOut ? ["last has it after", "all connect in"] : []),
  ];
  const rows = outcomes.map(({ name, servers, bounds, store, lastMs, connectSeconds, appenders }) => {
    const [first, then] = breaking(bounds, store?.bounds ?? [], store?.clusters ?? 0);
    return [
      ...[name, ...(isFilled ? [whole(appenders ?? 0)] : []), whole(servers), store ? whole(store.machines) : "none"],
      ...[first ?? "–", then ?? "–"],
      ...(isFanOut ? [duration((lastMs ?? Number.NaN) / 1000), duration(connectSeconds ?? Number.NaN)] : []),
    ];
  });
  return { name, title: TITLES[name], header, rows };
}

/** How the number of machines of a variant follows: what it needs of each resource, and what one machine has. */
export function boundsTable(name: string, title: string, { bounds, store }: Outcome): Table {
  const rowsOf = (where: string, all: readonly Bound[]): string[][] =>
    all.map(({ resource, needed, each, machines, unit }) => [
      where + resource,
      amount(needed, unit),
      amount(each, unit),
      ratio(machines),
    ]);
  const rows = [...rowsOf("", bounds), ...rowsOf("NATS: ", store?.bounds ?? [])];
  return { name, title, header: ["", "needed", "one has", "needed / one has"], rows };
}

/** What the model predicts for small loads, beside what was measured. */
export function againstTable(comparisons: readonly Comparison[], tolerance: number): Table {
  const rows = comparisons.map((each) => {
    const { load, title, unit, predicted, measured, isFitted } = each;
    const verdict = isFitted ? "fitted" : isOff(each, tolerance) ? "✗" : "✓";
    const numbers = [predicted, measured].map((value) => `${Number(value.toPrecision(3))} ${unit}`);
    return [load, title, ...numbers, (predicted / measured).toFixed(2), verdict];
  });
  return {
    ...{ name: "against", title: `Predicted and measured; a ratio may be off by ${tolerance}` },
    header: ["load", "", "predicted", "measured", "ratio", ""],
    rows,
  };
}

/** A number of machines, or of anything. */
export function whole(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString("en-US") : "never enough";
}

const TITLES: Readonly<Record<CaseName, string>> = {
  "one-path": "One path with many followers",
  "many-paths": "Many paths",
  appenders: "Servers full of appenders",
};

/**
 * The two resources that run out first. A NATS cluster that is needed more than once, or never suffices, breaks before the
 * servers do: servers are added one by one, while another cluster is another store.
 */
function breaking(servers: readonly Bound[], store: readonly Bound[], clusters: number): string[] {
  const named = (where: string, { resource }: Bound): string => `${where}${nameOf(resource)}`;
  const ofServers = servers.map((bound) => named("", bound));
  const ofStore = store.map((bound) => named("NATS: ", bound));
  const [first, then] = clusters > 1 ? [ofStore[0], ofServers[0]] : [ofServers[0], ofServers[1]];
  return [first, then].filter((each) => each !== undefined);
}

function nameOf(resource: Resource): string {
  return LIMIT_NAMES.some((name) => name === resource) ? `\`${resource}\`` : resource;
}

function amount(value: number, unit: string): string {
  if (unit === "") return whole(Math.round(value));
  const text = value < 1 ? String(Number(value.toPrecision(3))) : readable(value);
  // As in 12.7 GB and 7.43 s/s.
  return `${text.replace(/[kMG]$/, " $&")}${/[kMG]$/.test(text) ? "" : " "}${unit}`;
}

/** How many machines it takes, with three significant digits. */
function ratio(machines: number): string {
  if (!Number.isFinite(machines)) return "never enough";
  return machines < 0.001 ? "< 0.001" : machines.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "never";
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`;
}
