/**
 * The metrics of a server in the text format of Prometheus.
 * @module
 */
import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Store } from "../engine/storage/store.ts";
import type { Metrics, MetricsSource } from "../server/service/metrics.ts";
import type { OpenSpan, SpanType } from "../server/service/traffic.ts";
import { LoopDelay } from "./loop-delay.ts";
import { StoreMetrics } from "./store-metrics.ts";
import { type Operation, timedStore } from "./timed-store.ts";

/** The upper bounds, in seconds, by which the times of the store are counted. */
const BUCKETS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** The shares of measurements for which the delay of the event loop is given. */
const SHARES = [0.5, 0.9, 0.99, 1];

/** Maximum number of times of the store that are kept until the library is loaded. */
const EARLY_TIMES = 10_000;

const TRANSPORTS = ["http", "websocket", "local"] as const;

const KINDS = ["append", "follow"] as const;

/**
 * The metrics of one server. The library is loaded when it is needed first, so that a server without metrics does not pay
 * for it.
 */
export class Prometheus implements Metrics {
  #loaded: Promise<Instruments> | undefined;
  #instruments: Instruments | undefined;
  #early: [Operation, number][] = [];
  #isStopped = false;

  /**
   * Times the operations of a store, and begins to measure the delay of the event loop.
   *
   * @param store Is changed, so it must belong to the caller alone.
   * @returns The same store.
   */
  measure(store: Store): Store {
    // A failure is thrown where the metrics are asked for.
    this.#load(true).catch(() => {});
    return timedStore(store, (operation, seconds) => {
      if (this.#instruments) this.#instruments.store.observe({ operation }, seconds);
      else if (this.#early.length < EARLY_TIMES) this.#early.push([operation, seconds]);
    });
  }

  async render(source: MetricsSource): Promise<string> {
    return (await this.#filled(source)).metrics();
  }

  async snapshot(source: MetricsSource): Promise<readonly object[]> {
    return (await this.#filled(source)).getMetricsAsJSON();
  }

  stop(): void {
    this.#isStopped = true;
    this.#instruments?.delay?.stop();
  }

  async #filled(source: MetricsSource): Promise<Registry> {
    const instruments = await this.#load(false);
    fill(instruments, source);
    await instruments.ofStore.fill(source.store);
    return instruments.registry;
  }

  #load(measures: boolean): Promise<Instruments> {
    this.#loaded ??= this.#start(measures);
    return this.#loaded;
  }

  async #start(measures: boolean): Promise<Instruments> {
    const [library, delay] = await Promise.all([import("prom-client"), measures ? LoopDelay.start() : undefined]);
    const instruments = instrumentsOf(library, measures, delay);
    if (this.#isStopped) delay?.stop();
    for (const [operation, seconds] of this.#early) instruments.store.observe({ operation }, seconds);
    this.#early = [];
    this.#instruments = instruments;
    return instruments;
  }
}

interface Instruments {
  readonly registry: Registry;
  readonly open: Readonly<Record<SpanType, Gauge<"transport">>>;
  readonly began: Readonly<Record<SpanType, Counter<"transport">>>;
  readonly ended: Readonly<Record<SpanType, Counter<"transport" | "reason">>>;
  readonly stored: Counter;
  readonly sent: Counter<"transport">;
  readonly read: Counter<"transport">;
  readonly refusals: Counter<"code">;
  readonly lag: Gauge;
  readonly grace: Gauge;
  readonly subscriptions: Gauge;
  readonly deliveries: Counter<"type" | "outcome">;
  readonly closing: Gauge;
  readonly store: Histogram<"operation">;
  readonly ofStore: StoreMetrics;
  readonly loop: Gauge<"quantile">;
  readonly delay: LoopDelay | undefined;
}

/** Creates the metrics in a registry of their own: a program may have several servers, and metrics besides. */
function instrumentsOf(
  library: typeof import("prom-client"),
  measures: boolean,
  delay: LoopDelay | undefined,
): Instruments {
  const registry = new library.Registry();
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Counter<Label> =>
    new library.Counter({ name: `httpfstream_${name}`, help, labelNames, registers });
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new library.Gauge({ name: `httpfstream_${name}`, help, labelNames, registers });
  // Of several workers, that of the worst one counts.
  const greatest = (name: string, help: string): Gauge =>
    new library.Gauge({ name: `httpfstream_${name}`, help, aggregator: "max", registers });
  return {
    registry,
    open: {
      append: gauge("appends_open", "Appends that are open.", "transport"),
      follow: gauge("follows_open", "Follows that are open.", "transport"),
    },
    began: {
      append: counter("appends_total", "Appends that have begun.", "transport"),
      follow: counter("follows_total", "Follows that have begun.", "transport"),
    },
    ended: {
      append: counter("appends_ended_total", "Appends that have ended.", "transport", "reason"),
      follow: counter("follows_ended_total", "Follows that have ended.", "transport", "reason"),
    },
    stored: counter("append_bytes_total", "Bytes that appends have stored."),
    sent: counter("follow_bytes_total", "Bytes sent to follows.", "transport"),
    read: counter("read_bytes_total", "Bytes sent for reads of what is stored.", "transport"),
    refusals: counter("refusals_total", "Connections and requests that were refused, or that have failed.", "code"),
    lag: greatest("follow_lag_bytes", "Bytes by which the slowest follower of an append of this process is behind."),
    grace: gauge("sessions_in_grace", "Append sessions that wait for their appenders."),
    // All workers know the same ones.
    subscriptions: greatest("subscriptions", "Subscriptions to streams."),
    deliveries: counter("deliveries_total", "Attempts to wake the workers of subscriptions.", "type", "outcome"),
    closing: new library.Gauge({
      name: "httpfstream_shutting_down",
      help: "1 once a shutdown has begun.",
      // A worker that is replaced shuts down alone.
      aggregator: "min",
      registers,
    }),
    store: new library.Histogram({
      name: "httpfstream_store_seconds",
      help: "Time that operations of the store take; a read up to its first bytes.",
      labelNames: ["operation"],
      buckets: BUCKETS_SECONDS,
      registers: measures ? registers : [],
    }),
    ofStore: new StoreMetrics(library, registry),
    loop: new library.Gauge({
      name: "httpfstream_event_loop_delay_seconds",
      help: "Delay of the event loop since the metrics were last read; quantile 1 is the longest.",
      labelNames: ["quantile"],
      aggregator: "max",
      registers: delay ? registers : [],
    }),
    delay,
  };
}

/** Sets the metrics to the present state. */
function fill(to: Instruments, { traffic, sessionsInGrace, subscriptions, isClosing }: MetricsSource): void {
  for (const kind of KINDS) {
    to.began[kind].reset();
    to.ended[kind].reset();
    for (const transport of TRANSPORTS) {
      to.open[kind].set({ transport }, 0);
      to.began[kind].inc({ transport }, 0);
    }
  }
  for (const { type, transport } of traffic.open as Iterable<OpenSpan>) {
    to.open[type].inc({ transport });
    to.began[type].inc({ transport });
  }
  for (const { type, transport, reason, count } of traffic.endCounts) {
    to.began[type].inc({ transport }, count);
    to.ended[type].inc({ transport, reason }, count);
  }
  to.stored.reset();
  to.stored.inc(traffic.storedBytes);
  to.sent.reset();
  for (const [transport, bytes] of traffic.sentBytes) to.sent.inc({ transport }, bytes);
  to.read.reset();
  for (const [transport, bytes] of traffic.readBytes) to.read.inc({ transport }, bytes);
  to.refusals.reset();
  for (const [code, count] of traffic.refusals) to.refusals.inc({ code }, count);
  to.lag.set(traffic.lagBytes);
  to.grace.set(sessionsInGrace());
  to.subscriptions.set(subscriptions());
  to.deliveries.reset();
  for (const { kind, outcome, count } of traffic.deliveries) to.deliveries.inc({ type: kind, outcome }, count);
  to.closing.set(isClosing() ? 1 : 0);
  for (const [share, seconds] of to.delay?.take(SHARES) ?? []) to.loop.set({ quantile: String(share) }, seconds);
}
