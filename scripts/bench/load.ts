/**
 * What a load is: how one measurement of one peer is made, and what comes out of it.
 * @module
 */
import type { Ability, Way } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import type { Stage } from "./stage.ts";

/** One number that a load measures. */
export interface Metric {
  readonly key: string;
  /** A column's heading. */
  readonly title: string;
  readonly unit: string;
  /** Which way is better. */
  readonly better: "more" | "less";
}

/** The numbers of one measurement, by the keys of their metrics; there may be others beside them. */
export type Numbers = Readonly<Record<string, number>>;

/** A goal for what is ours. */
export interface Goal {
  /** The key of the metric. */
  readonly metric: string;
  /** The peer whose number is the measure; nothing when the goal is a number by itself. */
  readonly against?: string;
  /** The load in which that peer is looked at; this one when left out. Without `against` it is the same peer's number there. */
  readonly load?: string;
  /** At least so much, or so many times the other's. */
  readonly atLeast?: number;
  /** At most so much, or so many times the other's. */
  readonly atMost?: number;
}

/** A load. */
export interface Load {
  /** A short stable name. */
  readonly name: string;
  /** What it is, for people. */
  readonly title: (size: Size) => string;
  /** What it measures; the first metric is the one that the chart shows and that ratios are made of. */
  readonly metrics: readonly [Metric, ...Metric[]];
  readonly goals: readonly Goal[];
  /** What a peer must be able to do. */
  readonly needs: readonly Ability[];
  /** Which ways of talking to what is ours make a difference. Default: `v1` and `classic`. */
  readonly ways?: readonly Way[];
  /** Whether it is also run on runtimes other than Node. */
  readonly everyRuntime?: boolean;
  /** Whether a plain copy is something to be compared with. */
  readonly compareWithCopy?: boolean;
  /** The shares of the large amounts that peers are given, by name, where all of them would take minutes. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Whether there is nobody to be compared with. */
  readonly onlyOurs?: boolean;
  /** Measures a peer once. */
  measure(stage: Stage): Promise<Numbers>;
}

/** How busy the server was, of one processor. */
export const SERVER_CPU: Metric = { key: "serverCpu", title: "server CPU", unit: "%", better: "less" };
/** What a server costs for what it does: the number that other work on the machine disturbs least. */
export const SERVER_COST: Metric = { key: "serverCost", title: "server CPU per GiB", unit: "s", better: "less" };
/** How busy the load generators were, of one processor each. */
export const GENERATOR_CPU: Metric = { key: "generatorCpu", title: "generator CPU", unit: "%", better: "less" };
/** The most memory that the server had in use. */
export const PEAK_MEMORY: Metric = { key: "peakMemory", title: "peak memory", unit: "MiB", better: "less" };
