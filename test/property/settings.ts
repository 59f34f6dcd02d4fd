/**
 * How long property tests run, and how to repeat one that failed: `FSTREAM_RUNS=100000`, `FSTREAM_SEED=123`.
 * @module
 */
import process from "node:process";
import type { Parameters } from "fast-check";

/** fast-check's settings for a property: by default a new seed each time. It tells the seed when it fails. */
export function settings<T>(defaultRuns: number): Parameters<T> {
  const seed = process.env["FSTREAM_SEED"];
  const runs = process.env["FSTREAM_RUNS"];
  return {
    numRuns: runs === undefined ? defaultRuns : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
