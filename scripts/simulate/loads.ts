/** The loads of the three cases, and how to replace them. @module */
import { UsageError } from "../lib/command-line.ts";

/** The loads. Rates are per second, sizes in bytes. */
export interface Loads {
  /** A million followers of one path: a score, then a busy log, then large records. */
  readonly "one-path": {
    readonly followers: number;
    readonly perSecond: number;
    readonly bytes: number;
    readonly busyPerSecond: number;
    readonly largePerSecond: number;
    readonly largeBytes: number;
  };
  /** A million paths, each with an appender and some followers. */
  readonly "many-paths": {
    readonly paths: number;
    readonly followersEach: number;
    readonly perSecond: number;
    readonly bytes: number;
  };
  /** As many appenders as fill a number of servers: with small records, then with large ones. */
  readonly appenders: {
    readonly servers: number;
    readonly perSecond: number;
    readonly bytes: number;
    readonly largeBytes: number;
  };
}

export type CaseName = keyof Loads;

export const DEFAULT_LOADS: Loads = {
  "one-path": {
    ...{ followers: 1_000_000, perSecond: 1, bytes: 200 },
    ...{ busyPerSecond: 10, largePerSecond: 30, largeBytes: 16_384 },
  },
  "many-paths": { paths: 1_000_000, followersEach: 1, perSecond: 0.1, bytes: 200 },
  appenders: { servers: 1_000, perSecond: 1, bytes: 200, largeBytes: 65_536 },
};

export const CASE_NAMES: readonly CaseName[] = ["one-path", "many-paths", "appenders"];

/**
 * Returns the loads with other numbers.
 *
 * @param changes Texts such as `one-path.followers=2e6`.
 * @throws {UsageError} for an unknown load, or a number that is not above 0.
 */
export function withLoads(loads: Loads, changes: readonly string[]): Loads {
  let changed = loads;
  for (const text of changes) {
    const [, caseName = "", name = "", value = ""] = /^([\w-]+)\.(\w+)=(.+)$/.exec(text) ?? [];
    const known = CASE_NAMES.find((each) => each === caseName);
    if (known === undefined || !Object.hasOwn(changed[known], name)) {
      throw new UsageError(`--load is CASE.NAME=NUMBER with one of ${loadNames().join(", ")}, not "${text}".`);
    }
    const number = Number(value);
    const mayBeZero = name === "followersEach";
    if (!Number.isFinite(number) || number < 0 || (number === 0 && !mayBeZero)) {
      throw new UsageError(
        `--load ${caseName}.${name} is a number ${mayBeZero ? "from 0 on" : "above 0"}, not "${value}".`,
      );
    }
    changed = { ...changed, [known]: { ...changed[known], [name]: number } };
  }
  return changed;
}

/** The names of all numbers, such as `one-path.followers`. */
export function loadNames(): string[] {
  return CASE_NAMES.flatMap((caseName) => Object.keys(DEFAULT_LOADS[caseName]).map((name) => `${caseName}.${name}`));
}
