/**
 * The results of a run.
 * @module
 */
import type { Goal, Load, Metric, Numbers } from "./load.ts";
import type { Machine } from "./machine.ts";
import type { Peer } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import { median } from "./stats.ts";

/** The results of one peer in one load. */
export interface Row {
  readonly peer: string;
  readonly title: string;
  readonly version: string;
  readonly runtime: string;
  /** Whether goals apply to the peer; the others are only compared with. */
  readonly isOurs: boolean;
  /** The numbers of each round that succeeded. */
  readonly samples: Numbers[];
  /** The share of the large amounts that the peer got, if it is not 1. */
  readonly share?: number;
  /** Why the peer could not be measured here. */
  readonly missing?: string;
  /** The message of each round that failed. */
  readonly failures: string[];
}

/** The results of one load. */
export interface LoadResult {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly [Metric, ...Metric[]];
  readonly goals: readonly Goal[];
  readonly rows: Row[];
}

/** The results of a whole run, as written to the JSON file. */
export interface Results {
  readonly machine: Machine;
  readonly size: string;
  readonly rounds: number;
  readonly date: string;
  readonly minutes: number;
  readonly loads: readonly LoadResult[];
}

/** Creates a row without samples. */
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

/** Returns the name of a row, with its share if that is not 1. */
export function nameOf({ peer, share }: Row): string {
  return share === undefined ? peer : `${peer} (1/${Math.round(1 / share)})`;
}

/** Creates the result of a load without rows. */
export function emptyResult({ name, title, metrics, goals }: Load, size: Size): LoadResult {
  return { name, title: title(size), metrics, goals, rows: [] };
}

/** Returns the median of a metric, or NaN if it was never measured. */
export function medianOf(row: Row | undefined, metric: string): number {
  return median(row?.samples.map((sample) => sample[metric] ?? Number.NaN) ?? []);
}
