/**
 * Settings of property tests. `FSTREAM_RUNS=100000` sets the number of runs, `FSTREAM_SEED=123` repeats a failed run.
 * @module
 */
import process from "node:process";
import type { Parameters } from "fast-check";
import { runsOf } from "../fixture/short.ts";

/** fast-check's settings for a property. Default: a new seed each time; fast-check prints it when a run fails. */
export function settings<T>(defaultRuns: number): Parameters<T> {
  const seed = process.env["FSTREAM_SEED"];
  const runs = process.env["FSTREAM_RUNS"];
  return {
    numRuns: runs === undefined ? runsOf(defaultRuns) : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
