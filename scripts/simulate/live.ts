/** A short measurement of this checkout on this machine: two loads of the benchmark. @module */
import { parseOptions } from "../bench/options.ts";
import { run } from "../bench/run.ts";
import { BenchNumbers } from "./bench-numbers.ts";

/** A flood to 1,000 followers, and single records to as many. */
const LOADS = ["flood-small-many", "paced-many"] as const;

/**
 * Runs the loads once, in half a minute, and returns the numbers. Rejects if a server loses a byte.
 *
 * @param progress Gets a line for each measurement.
 */
export async function measure(progress: (line: string) => void, signal: AbortSignal): Promise<BenchNumbers> {
  const args = ["--only", LOADS.join(","), "--peers", "httpfstream", "--runtime", "node", "--quick", "--rounds", "1"];
  const options = parseOptions(args);
  if (options === undefined) throw new Error("The benchmark has no such options.");
  const results = await run(options, progress, signal);
  const [failure] = results.failures;
  if (failure !== undefined) throw new Error(`${failure.load}: ${failure.message}`);
  return new BenchNumbers(results);
}
