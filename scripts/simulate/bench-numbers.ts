/** Numbers of the benchmark's results, and the loads behind them. @module */
import { median, type Results } from "../bench/results.ts";
import { SIZE_NAMES, type Size, sizeOf } from "../bench/size.ts";
import { UsageError } from "../lib/command-line.ts";
import { isObject, readJson } from "./costs.ts";

/** The paced loads of the benchmark: records per second of each path. The followers, or paths, are in its size. */
export const PACED = {
  "paced-few": { perSecond: 200, followers: "few" },
  "paced-many": { perSecond: 50, followers: "many" },
  "paced-crowd": { perSecond: 10, followers: "crowd" },
} as const;
/** The floods: bytes of a record. */
export const FLOODS = {
  "flood-small-few": { bytes: 100, followers: "few" },
  "flood-small-many": { bytes: 100, followers: "many" },
  "flood-large": { bytes: 16 * 1024, followers: "few" },
} as const;
/** Records per second of each path in the load `paths`. */
export const PATHS_PER_SECOND = 10;
/** Paths with an appender and a follower that warm a server up before each paced load. */
export const WARM_PATHS = 20;

/** Medians of our server on Node, by load and metric. */
export class BenchNumbers {
  readonly size: Size;
  readonly #loads: Results["loads"];

  constructor({ size, loads }: Pick<Results, "size" | "loads">) {
    this.size = sizeOf(size);
    this.#loads = loads;
  }

  /** The median of a metric, or undefined if it was not measured. */
  find(load: string, metric: string, peer = "httpfstream"): number | undefined {
    const value = median(this.#loads[load]?.[peer]?.[metric]);
    return Number.isFinite(value) ? value : undefined;
  }

  /**
   * The median of a metric.
   *
   * @throws {UsageError} if it was not measured.
   */
  get(load: string, metric: string, peer = "httpfstream"): number {
    const value = this.find(load, metric, peer);
    if (value !== undefined) return value;
    throw new UsageError(
      `The results have no ${metric} of ${peer} in ${load}: npm run bench -- --only ${load} --json FILE.`,
    );
  }
}

/**
 * Reads the results of a benchmark from the file that an option names.
 *
 * @throws {UsageError} if it can't be read, has no results, or is of the smallest size.
 */
export function benchNumbersFrom(file: string, option: string): BenchNumbers {
  const read = readJson(file, option);
  if (!isObject(read) || !isObject(read["loads"]) || !SIZE_NAMES.some((name) => name === read["size"])) {
    throw new UsageError(`${option}: "${file}" has no results of npm run bench -- --json FILE.`);
  }
  if (read["size"] === "smoke") {
    throw new UsageError(
      `${option}: "${file}" has the size smoke, which measures nothing; take --quick or the full size.`,
    );
  }
  return new BenchNumbers(read as unknown as Results);
}
