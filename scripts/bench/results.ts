/** The results of a run, and their verdicts. @module */
import type { Goal, Load, Numbers } from "./loads/load.ts";
import type { Peer } from "./peers/peer.ts";
import type { SizeName } from "./size.ts";
import type { Machine } from "./system.ts";

/** The results of a run, as written to the JSON file. */
export interface Results {
  readonly machine: Machine;
  readonly size: SizeName;
  readonly date: string;
  rounds: number;
  minutes: number;
  readonly peers: Record<string, Pick<Peer, "title" | "version" | "isOurs" | "way" | "missing" | "ungated">>;
  /** For each load, peer and key of a metric one number for each round that succeeded. */
  readonly loads: Record<string, Record<string, Record<string, number[]>>>;
  readonly failures: { readonly load: string; readonly peer: string; readonly message: string }[];
}

/** Adds the numbers of a measurement, with five significant digits, to the results of a peer in a load. */
export function addNumbers(row: Record<string, number[]>, { metrics }: Load, numbers: Numbers): void {
  for (const { key } of metrics) {
    const value = numbers[key] ?? Number.NaN;
    // Some numbers of a server on another machine are unknown.
    if (Number.isFinite(value)) row[key] = [...(row[key] ?? []), Number(value.toPrecision(5))];
  }
}

/** Formats the results as JSON, with a line for each peer of a load. */
export function toJson(results: Results): string {
  const text = JSON.stringify(results, undefined, 1);
  return `${text.replace(/\{[^{}]*\}/g, (object) => object.replace(/\n\s*/g, " "))}\n`;
}

/** Returns the median, or NaN for an empty list. */
export function median(numbers: readonly number[] = []): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/** Judges all goals of a load for each of our peers. If a measurement is missing, `reached` is undefined. */
export function verdicts(
  { name, metrics, goals = [] }: Pick<Load, "name" | "metrics" | "goals">,
  { peers, loads }: Pick<Results, "peers" | "loads">,
) {
  const ours = Object.keys(loads[name] ?? {}).filter((peer) => peers[peer]?.isOurs && !peers[peer].missing);
  const judge = ({ metric: key, against, load, atLeast = -Infinity, atMost = Infinity }: Goal, peer: string) => {
    const rival = (against === "ungated" ? peers[peer]?.ungated : against) ?? peer;
    const isAbsolute = against === undefined && load === undefined;
    const other = isAbsolute ? 1 : median(loads[load ?? name]?.[rival]?.[key]);
    const value = median(loads[name]?.[peer]?.[key]) / other;
    const reached = Number.isNaN(value) ? undefined : value >= atLeast && value <= atMost;
    const { title, unit } = metrics.find((metric) => metric.key === key) ?? { title: key, unit: "" };
    const bound = Number.isFinite(atLeast) ? `≥ ${atLeast}` : `≤ ${atMost}`;
    const scale = isAbsolute ? ` ${unit}` : `× ${[against, load && `in ${load}`].filter(Boolean).join(" ")}`;
    return { peer, goal: `${title} ${bound}${scale}`, value, reached };
  };
  const concerns = ({ against, way }: Goal, peer: string): boolean =>
    (way === undefined || way === peers[peer]?.way) && (against !== "ungated" || peers[peer]?.ungated !== undefined);
  return goals.flatMap((goal) => ours.filter((peer) => concerns(goal, peer)).map((peer) => judge(goal, peer)));
}
