/** The sizes of the benchmark of clusters. @module */
import { KIB, MIB } from "../bench/size.ts";

/** The names of the sizes. */
export const SIZE_NAMES = ["full", "quick", "smoke"] as const;

/** One of the sizes. */
export type SizeName = (typeof SIZE_NAMES)[number];

/** Counts, amounts in bytes and durations in seconds. */
export interface Size {
  readonly rounds: number;
  /** How long records come at a pace. */
  readonly pacedSeconds: number;
  /** What one appender appends. */
  readonly appendedBytes: number;
  /** What a reader catches up with. */
  readonly largeBytes: number;
  /** How many bytes are searched in each layout. */
  readonly searches: number;
  /** The followers of each server, and what they all receive. */
  readonly followers: number;
  readonly floodBytes: number;
}

/** The sizes. */
export const SIZES: Readonly<Record<SizeName, Size>> = {
  full: {
    ...{ rounds: 3, pacedSeconds: 20, appendedBytes: 128 * MIB, largeBytes: 1024 * MIB },
    ...{ searches: 100, followers: 1_000, floodBytes: 8 * MIB },
  },
  quick: {
    ...{ rounds: 1, pacedSeconds: 5, appendedBytes: 32 * MIB, largeBytes: 128 * MIB },
    ...{ searches: 50, followers: 1_000, floodBytes: 2 * MIB },
  },
  smoke: {
    ...{ rounds: 1, pacedSeconds: 0.5, appendedBytes: MIB, largeBytes: 2 * MIB },
    ...{ searches: 5, followers: 10, floodBytes: 256 * KIB },
  },
};
