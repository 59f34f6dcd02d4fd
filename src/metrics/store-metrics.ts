/**
 * The health and the counts of a store, as metrics.
 * @module
 */
import type { Counter, Gauge, Registry } from "prom-client";
import type { Store, StoreCounts } from "../engine/storage/store.ts";

/** Of several workers of a server, the sum is shown, or the value of one: see `aggregator` of `prom-client`. */
type Aggregator = "sum" | "min" | "max";

/** How one number of {@link StoreCounts} is shown. */
interface Shown {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** Default: the sum. */
  readonly aggregator?: Aggregator;
  /** The unit of the metric in that of the number. Default 1. */
  readonly per?: number;
}

const SHOWN: Readonly<Record<keyof StoreCounts, Shown>> = {
  retries: {
    name: "store_retries_total",
    help: "Writes to the store that were tried again: refused because of another write, or without an answer.",
    kind: "counter",
  },
  fenced: {
    name: "store_fenced_total",
    help: "Claims that ended because another server has taken the path.",
    kind: "counter",
  },
  takeovers: {
    name: "store_takeovers_total",
    help: "Claims that took a path from a server that had not released it.",
    kind: "counter",
  },
  taps: { name: "store_taps", help: "Appends of other servers that are watched.", kind: "gauge" },
  tapGaps: {
    name: "store_tap_gaps_total",
    help: "How often updates of a watched append may have been missed, so that the server read the store again.",
    kind: "counter",
  },
  leaseAgeMs: {
    name: "store_lease_age_seconds",
    help: "Time since the lease of this server was last stored.",
    kind: "gauge",
    aggregator: "max",
    per: 1000,
  },
};

/** The metrics of one store. Each appears once the store has a value for it. */
export class StoreMetrics {
  readonly #library: typeof import("prom-client");
  readonly #registry: Registry;
  readonly #made = new Map<string, Counter | Gauge>();

  /**
   * @param library The library.
   * @param registry Receives the metrics.
   */
  constructor(library: typeof import("prom-client"), registry: Registry) {
    this.#library = library;
    this.#registry = registry;
  }

  /** Sets them to the present state of a store. */
  async fill(store: Pick<Store, "health" | "counts">): Promise<void> {
    const isUp = await store.health?.().then(
      (why) => why === undefined,
      () => false,
    );
    if (isUp !== undefined) this.#set(UP, isUp ? 1 : 0);
    const found = store.counts?.() ?? {};
    for (const [key, shown] of Object.entries(SHOWN)) {
      const value = found[key as keyof StoreCounts];
      if (value !== undefined && Number.isFinite(value)) this.#set(shown, value / (shown.per ?? 1));
    }
  }

  #set(shown: Shown, value: number): void {
    const metric = this.#made.get(shown.name) ?? this.#make(shown);
    if (metric instanceof this.#library.Gauge) metric.set(value);
    else {
      metric.reset();
      metric.inc(value);
    }
  }

  #make({ name, help, kind, aggregator = "sum" }: Shown): Counter | Gauge {
    const config = { name: `httpfstream_${name}`, help, aggregator, registers: [this.#registry] };
    const metric = kind === "gauge" ? new this.#library.Gauge(config) : new this.#library.Counter(config);
    this.#made.set(name, metric);
    return metric;
  }
}

const UP: Shown = {
  name: "store_up",
  help: "1 while the store can serve requests.",
  kind: "gauge",
  aggregator: "min",
};
