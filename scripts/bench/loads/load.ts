/** What a load is: a way to measure a peer, the numbers that it measures, and the goals for them. @module */
import type { Ability, Way } from "../peers/peer.ts";
import type { Size } from "../size.ts";
import type { Stage } from "../stage.ts";

/** One number that a load measures. `title` is the heading of its column. */
export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
}

/** The numbers of one measurement, by the keys of their metrics. There may be others, which are not reported. */
export type Numbers = Readonly<Record<string, number>>;

/**
 * A goal for httpfstream. The bounds are absolute, or multiples of the number of the peer `against`, in the same load
 * or in `load`. With `load` alone, they are multiples of the same peer's number there. Against `ungated`, only
 * peers that ask for tokens have it. With `way`, only peers of that way have it.
 */
export interface Goal {
  /** The key of the metric. */
  readonly metric: string;
  readonly against?: string | undefined;
  readonly load?: string;
  readonly way?: Way | undefined;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Load {
  /** A short stable name. */
  readonly name: string;
  readonly title: (size: Size) => string;
  /** The metrics. The chart and the ratios use the first one. */
  readonly metrics: readonly [Metric, ...Metric[]];
  readonly goals?: readonly Goal[];
  /** The abilities that a peer must have. */
  readonly needs: readonly Ability[];
  /** The ways of talking to httpfstream to measure. Default: `v1` and `classic`. */
  readonly ways?: readonly Way[];
  /** Whether it is also measured on Deno and Bun, and whether only builds of httpfstream are. Default: false. */
  readonly everyRuntime?: boolean;
  readonly onlyOurs?: boolean;
  /** Whether builds that ask for tokens are measured as well. Default: false. */
  readonly gated?: boolean;
  /** The shares of the large amounts that slow peers get, by name. Default: 1. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Measures the stage's peer once. */
  readonly measure: (stage: Stage) => Promise<Numbers>;
  /** Measures a plain copy of a file for comparison. Default: a copy is not comparable. */
  readonly copy?: (stage: Stage) => Promise<Numbers>;
}
