/** The costs that follow from the benchmark's results. `costs.json` says in words what is computed here. @module */
import { GIB, KIB } from "../bench/size.ts";
import { UsageError } from "../lib/command-line.ts";
import { type BenchNumbers, FLOODS, PACED, PATHS_PER_SECOND, WARM_PATHS } from "./bench-numbers.ts";
import type { Costs } from "./costs.ts";

/** The costs that {@link fit} computes. */
export const FITTED = [
  "deliveryUs",
  "deliveredGibSeconds",
  "appendUs",
  "ingestGibSeconds",
  "followerKib",
  "processMib",
  "pathKib",
  "connectMs",
  "baseMs",
  "httpDeliveryUs",
] as const;

/** Their values. */
export type Fitted = Readonly<Record<(typeof FITTED)[number], number>>;

/**
 * Computes the costs with three significant digits.
 *
 * @throws {UsageError} if the results lack a load that is needed.
 */
export function fit(numbers: BenchNumbers, { batchBytes }: Pick<Costs, "batchBytes">): Fitted {
  const { size } = numbers;
  /** Microseconds of processor time per second, from percent. */
  const busyUs = (load: string, peer?: string): number => numbers.get(load, "serverCpu", peer) * 1e4;
  const ingestGibSeconds = numbers.get("ingest-many", "serverCost");

  // Two equations: a record to a crowd costs an append and many deliveries; on each of many paths, an append and one.
  const crowd = size[PACED["paced-crowd"].followers];
  const perCrowdRecord = busyUs("paced-crowd") / PACED["paced-crowd"].perSecond;
  const perPathRecord = busyUs("paths") / (size.paths * PATHS_PER_SECOND);
  const deliveryUs = (perCrowdRecord - perPathRecord) / (crowd - 1);
  const appendUs = perPathRecord - deliveryUs;

  const many = size[FLOODS["flood-small-many"].followers];
  const framesGibSeconds = ((GIB / batchBytes) * deliveryUs) / 1e6;
  const deliveredGibSeconds =
    numbers.get("flood-small-many", "serverCost") - ingestGibSeconds / many - framesGibSeconds;

  const followerKib = numbers.get("memory-idle", "each");
  const processMib = numbers.get("memory-idle", "whole") - (size.idle * followerKib) / KIB;
  const pathsKib = (numbers.get("paths", "peakMemory") - processMib) * KIB;
  const few = size[PACED["paced-few"].followers];
  const { perSecond: httpPerSecond, followers: httpMany } = PACED["paced-many"];
  const perHttpRecord = busyUs("paced-many", "httpfstream-http") / httpPerSecond;
  const exact: Fitted = {
    ...{ deliveryUs, deliveredGibSeconds, appendUs, ingestGibSeconds, followerKib, processMib },
    pathKib: pathsKib / (size.paths + WARM_PATHS) - followerKib,
    connectMs: numbers.get("connect", "each"),
    baseMs: numbers.get("paced-few", "p50") - (few * deliveryUs) / 2000,
    httpDeliveryUs: (perHttpRecord - appendUs) / size[httpMany],
  };
  const rounded = FITTED.map((name) => [name, Number(exact[name].toPrecision(3))]);
  return Object.fromEntries(rounded) as Fitted;
}

/** Whether the costs were computed from these very numbers, so that some predictions agree by themselves. */
export function isSource(numbers: BenchNumbers, costs: Costs): boolean {
  try {
    const fitted = fit(numbers, costs);
    return FITTED.every((name) => fitted[name] === costs[name]);
  } catch (error) {
    // They lack loads, so the costs come from others.
    if (error instanceof UsageError) return false;
    throw error;
  }
}
