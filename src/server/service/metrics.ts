/**
 * The sources of the metrics of a server, and what turns them into text.
 * @module
 */
import type { Store } from "../../engine/storage/store.ts";
import type { Traffic } from "./traffic.ts";

/** The state of one server. */
export interface MetricsSource {
  readonly traffic: Traffic;
  /** The health and the counts of the store. */
  readonly store: Pick<Store, "health" | "counts">;
  /** Append sessions that wait for their appenders. */
  sessionsInGrace(): number;
  /** Subscriptions to streams. */
  subscriptions(): number;
  /** Whether the server shuts down. */
  isClosing(): boolean;
}

/** Turns the state of a server into the text of its metrics. */
export interface Metrics {
  /** The text, in the text format of Prometheus. */
  render(source: MetricsSource): Promise<string>;
  /** The same as values, from which the metrics of several servers can be added up. */
  snapshot(source: MetricsSource): Promise<readonly object[]>;
  /** Stops what measures in the background. */
  stop(): void;
}
