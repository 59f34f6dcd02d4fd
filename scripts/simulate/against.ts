/** Compares the predictions of the model for the loads of the benchmark with its measurements. @module */
import { GIB, KIB, type Size } from "../bench/size.ts";
import { appendSeconds, deliverySeconds } from "./audience.ts";
import { type BenchNumbers, FLOODS, PACED, PATHS_PER_SECOND } from "./bench-numbers.ts";
import type { Costs } from "./costs.ts";
import { isSource } from "./fit.ts";

/**
 * The factor by which a prediction may be wrong in either direction. The rounds of one benchmark differ by nearly as much in
 * processor time per delivery, and by more in ingest.
 */
export const TOLERANCE = 1.5;
/** The same for a short measurement on any machine, whose processor may be half or twice as fast. */
export const LIVE_TOLERANCE = 2.5;

const PER_DELIVERY = "processor per delivery";

/** A number that is both predicted and measured. */
export interface Comparison {
  readonly load: string;
  readonly title: string;
  readonly unit: string;
  readonly predicted: number;
  readonly measured: number;
  /** Whether a cost was computed from this very number, so that agreement proves nothing. */
  readonly isFitted: boolean;
}

interface Prediction extends Omit<Comparison, "measured" | "load"> {
  /** The key of the metric, and what turns it into the unit of the prediction. */
  readonly metric: string;
  readonly scale?: number;
}

/** Compares all that was measured. */
export function compare(numbers: BenchNumbers, costs: Costs): Comparison[] {
  const areTheirs = isSource(numbers, costs);
  return Object.entries(predictions(numbers.size, costs)).flatMap(([load, each]) =>
    each.flatMap(({ metric, scale = 1, ...prediction }) => {
      const measured = numbers.find(load, metric);
      if (measured === undefined) return [];
      return [{ load, ...prediction, measured: measured * scale, isFitted: areTheirs && prediction.isFitted }];
    }),
  );
}

/** The comparisons of processor time per delivery: other numbers of a short measurement say more about its machine. */
export function ofDeliveries(comparisons: readonly Comparison[]): Comparison[] {
  return comparisons.filter(({ title }) => title === PER_DELIVERY);
}

/** Whether a prediction is wrong by a larger factor than the tolerance. Fitted ones never are. */
export function isOff({ predicted, measured, isFitted }: Comparison, tolerance: number): boolean {
  const ratio = predicted / measured;
  // NaN must not pass.
  return !isFitted && !(ratio <= tolerance && ratio >= 1 / tolerance);
}

function predictions(size: Size, costs: Costs): Record<string, Prediction[]> {
  const paced = Object.entries(PACED).map(([load, { perSecond, followers }]) => [
    load,
    pacedPredictions(load, perSecond, size[followers], costs),
  ]);
  const floods = Object.entries(FLOODS).map(([load, { bytes, followers }]) => [
    load,
    [floodPrediction(load, bytes, size[followers], costs)],
  ]);
  const append = appendSeconds(100, costs) + deliverySeconds("websocket", 100, costs);
  const ingest = { metric: "serverCost", title: "processor per GiB", unit: "s", predicted: costs.ingestGibSeconds };
  const connect = { title: "all connected", unit: "ms", predicted: size.connecting * costs.connectMs };
  return {
    ...Object.fromEntries([...floods, ...paced]),
    paths: [
      {
        ...{ metric: "serverCpu", title: "processor per record", unit: "µs", isFitted: true },
        ...{ predicted: append * 1e6, scale: 1e4 / (size.paths * PATHS_PER_SECOND) },
      },
    ],
    "ingest-many": [{ ...ingest, isFitted: true }],
    "ingest-one": [{ ...ingest, isFitted: false }],
    connect: [{ ...connect, metric: "all", isFitted: false }],
  };
}

function pacedPredictions(load: string, perSecond: number, followers: number, costs: Costs): Prediction[] {
  const delivery = deliverySeconds("websocket", 100, costs);
  const record = appendSeconds(100, costs) + followers * delivery;
  return [
    {
      ...{ metric: "serverCpu", title: PER_DELIVERY, unit: "µs", isFitted: load === "paced-crowd" },
      ...{ predicted: (record / followers) * 1e6, scale: 1e4 / (perSecond * followers) },
    },
    {
      ...{ metric: "p50", title: "p50", unit: "ms", isFitted: load === "paced-few" },
      predicted: costs.baseMs + followers * delivery * 500,
    },
    {
      ...{ metric: "p99", title: "p99", unit: "ms", isFitted: false },
      predicted: costs.baseMs + followers * delivery * 1000 * 0.99,
    },
    {
      ...{ metric: "peakMemory", title: "peak memory", unit: "MiB", isFitted: false },
      predicted: costs.processMib + (followers * costs.followerKib) / KIB,
    },
  ];
}

function floodPrediction(load: string, bytes: number, followers: number, costs: Costs): Prediction {
  const framesGibSeconds = ((GIB / costs.batchBytes) * costs.deliveryUs) / 1e6;
  const gibSeconds = costs.deliveredGibSeconds + framesGibSeconds + costs.ingestGibSeconds / followers;
  // Of a GiB delivered: as much processor time as for all its records.
  const scale = (bytes * 1e6) / GIB;
  return {
    ...{ metric: "serverCost", title: PER_DELIVERY, unit: "µs", isFitted: load === "flood-small-many" },
    ...{ predicted: gibSeconds * scale, scale },
  };
}
