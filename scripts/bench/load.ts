/**
 * The interface of a load, which measures one peer and returns numbers.
 * @module
 */
import type { Ability, Way } from "./peers/peer.ts";
import type { Size } from "./size.ts";
import type { Stage } from "./stage.ts";

/** One number that a load measures. */
export interface Metric {
  readonly key: string;
  /** The heading of its column. */
  readonly title: string;
  readonly unit: string;
  /** Whether larger or smaller values are better. */
  readonly better: "more" | "less";
}

/** The numbers of one measurement, by the keys of their metrics. There may be additional ones. */
export type Numbers = Readonly<Record<string, number>>;

/** A goal for httpfstream. */
export interface Goal {
  /** The key of the metric. */
  readonly metric: string;
  /** The peer to compare with. Default: none, the bounds are absolute. */
  readonly against?: string;
  /**
   * The load whose number to compare with. Default: this one. Without `against`, it is compared with the same peer
   * there.
   */
  readonly load?: string;
  /** The lower bound, absolute or as a multiple of the other number. */
  readonly atLeast?: number;
  /** The upper bound, absolute or as a multiple of the other number. */
  readonly atMost?: number;
}

/** A load. */
export interface Load {
  /** A short stable name. */
  readonly name: string;
  /** The title in reports. */
  readonly title: (size: Size) => string;
  /** The metrics. The chart and the ratios use the first one. */
  readonly metrics: readonly [Metric, ...Metric[]];
  readonly goals: readonly Goal[];
  /** The abilities that a peer must have. */
  readonly needs: readonly Ability[];
  /** The ways of talking to httpfstream to measure. Default: `v1` and `classic`. */
  readonly ways?: readonly Way[];
  /** Whether it is also measured on Deno and Bun. Default: false. */
  readonly everyRuntime?: boolean;
  /** Whether a plain copy of a file is comparable. Default: false. */
  readonly compareWithCopy?: boolean;
  /** The shares of the large amounts that slow peers get, by name. Default: 1. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Whether only httpfstream is measured. Default: false. */
  readonly onlyOurs?: boolean;
  /** Measures the stage's peer once. */
  measure(stage: Stage): Promise<Numbers>;
}

/** The server's processor time, in percent of one processor. */
export const SERVER_CPU: Metric = { key: "serverCpu", title: "server CPU", unit: "%", better: "less" };
/** The server's processor time per GiB: the number that other work on the machine affects least. */
export const SERVER_COST: Metric = { key: "serverCost", title: "server CPU per GiB", unit: "s", better: "less" };
/** The processor time of the busiest load generator, in percent of one processor. */
export const GENERATOR_CPU: Metric = { key: "generatorCpu", title: "generator CPU", unit: "%", better: "less" };
/** The peak of the server's resident memory. */
export const PEAK_MEMORY: Metric = { key: "peakMemory", title: "peak memory", unit: "MiB", better: "less" };
