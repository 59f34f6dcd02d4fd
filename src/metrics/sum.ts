/**
 * The metrics of several servers as one, such as those of workers.
 * @module
 */

/** The metrics of one server, as its registry gives them: `Metrics.snapshot`. */
export type Snapshot = readonly object[];

/** What is known of a metric in a snapshot. */
interface Metric {
  readonly type?: unknown;
}

/** A number of the group itself. */
export interface OwnMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: number;
}

/**
 * Adds up the metrics of servers, also of those that have ended: counters must not fall.
 *
 * @example
 * ```ts
 * const sum = new MetricsSum();
 * await sum.text([one, other]);
 * ```
 */
export class MetricsSum {
  /** What ended servers have counted. */
  #ended: Snapshot = [];
  #adding: Promise<void> = Promise.resolve();

  /** Keeps the counts of a server that has ended. */
  add(last: Snapshot): void {
    const counts = last.filter((metric) => ["counter", "histogram"].includes(String((metric as Metric).type)));
    this.#adding = this.#adding.then(async () => {
      this.#ended = await (await summed([this.#ended, counts])).getMetricsAsJSON();
    });
  }

  /** The sum, in the text format of Prometheus. */
  async text(snapshots: readonly Snapshot[], own: readonly OwnMetric[] = []): Promise<string> {
    await this.#adding;
    const mine = own.map(({ value, ...metric }) => ({ ...metric, values: [{ value, labels: {} }], aggregator: "sum" }));
    return (await summed([...snapshots, this.#ended, mine])).metrics();
  }
}

async function summed(snapshots: readonly Snapshot[]) {
  const { AggregatorRegistry } = await import("prom-client");
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
}
