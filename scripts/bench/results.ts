/**
 * What came out of a run.
 * @module
 */
import type { Goal, Load, Metric, Numbers } from "./load.ts";
import type { Machine } from "./machine.ts";
import type { Peer } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import { median } from "./stats.ts";

/** One peer in one load. */
export interface Row {
  readonly peer: string;
  readonly title: string;
  readonly version: string;
  readonly runtime: string;
  /** Whether it is what is measured, and not only compared with. */
  readonly isOurs: boolean;
  /** One for each round that succeeded. */
  readonly samples: Numbers[];
  /** The share of the large amounts that it was given, where it is not all of them. */
  readonly share?: number;
  /** Why it could not be measured here. */
  readonly missing?: string;
  /** What went wrong, one for each round that failed. */
  readonly failures: string[];
}

/** One load. */
export interface LoadResult {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly [Metric, ...Metric[]];
  readonly goals: readonly Goal[];
  readonly rows: Row[];
}

/** A whole run, as in the JSON file. */
export interface Results {
  readonly machine: Machine;
  readonly size: string;
  readonly rounds: number;
  readonly date: string;
  readonly minutes: number;
  readonly loads: readonly LoadResult[];
}

/** An empty row. */
export function emptyRow({ name, title, version, runtime, way, isReference, missing }: Peer, { shares }: Load): Row {
  const share = shares?.[name];
  return {
    peer: name,
    title,
    version,
    runtime,
    isOurs: way !== undefined && isReference !== true,
    samples: [],
    ...(share === undefined ? {} : { share }),
    ...(missing === undefined ? {} : { missing }),
    failures: [],
  };
}

/** A row's name, with the share that it was given. */
export function nameOf({ peer, share }: Row): string {
  return share === undefined ? peer : `${peer} (1/${Math.round(1 / share)})`;
}

/** A load without results. */
export function emptyResult({ name, title, metrics, goals }: Load, size: Size): LoadResult {
  return { name, title: title(size), metrics, goals, rows: [] };
}

/** The median of a metric; NaN when it was never measured. */
export function medianOf(row: Row | undefined, metric: string): number {
  return median(row?.samples.map((sample) => sample[metric] ?? Number.NaN) ?? []);
}
