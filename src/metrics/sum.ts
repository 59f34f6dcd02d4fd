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
  /** The counts of ended servers. */
  #ended: readonly Snapshot[] = [];
  #merging: Promise<void> = Promise.resolve();

  /** Keeps the counts of a server that has ended. The next {@link text} has them. */
  add(last: Snapshot): void {
    const counts = last.filter((metric) => ["counter", "histogram"].includes(String((metric as Metric).type)));
    this.#ended = [...this.#ended, counts];
    // Metrics that can't be merged are added up each time.
    this.#merging = this.#merging.then(() => this.#merge()).catch(() => {});
  }

  async #merge(): Promise<void> {
    const { length } = this.#ended;
    const merged = await (await summed(this.#ended)).getMetricsAsJSON();
    this.#ended = [merged, ...this.#ended.slice(length)];
  }

  /**
   * The sum, in the text format of Prometheus.
   *
   * @param snapshots The metrics of servers that run now. One that ends after the call counts as one that runs.
   */
  async text(snapshots: readonly Snapshot[], own: readonly OwnMetric[] = []): Promise<string> {
    const mine = own.map(({ value, ...metric }) => ({ ...metric, values: [{ value, labels: {} }], aggregator: "sum" }));
    return (await summed([...snapshots, ...this.#ended, mine])).metrics();
  }
}

async function summed(snapshots: readonly Snapshot[]) {
  const { AggregatorRegistry } = await import("prom-client");
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
}
