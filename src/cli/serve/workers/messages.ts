/**
 * The messages between a worker and the process that started it.
 * @module
 */
import type { ProcessGroup } from "../../../stores/file/groups/process-group.ts";

/** The environment variable that makes a server a worker. Its value is JSON: {@link WorkerTerms}. */
export const WORKER_VARIABLE = "HTTPFSTREAM_WORKER";

/** What a worker learns when it starts. */
export interface WorkerTerms {
  /** Its number, from 1 on. A worker that replaces another one has the same. */
  readonly number: number;
  readonly group: ProcessGroup;
  /** The port to listen on; undefined for the one that the command line names. */
  readonly port?: number | undefined;
}

/** The metrics of a worker, as `prom-client` reads them from a registry. */
export type MetricsSnapshot = readonly object[];

/** From a worker. */
export type FromWorker =
  /** It listens. */
  | { readonly type: "ready"; readonly port: number }
  /** Its metrics now. `id`: the request that this answers; undefined for the last metrics, before it ends. */
  | { readonly type: "metrics"; readonly id?: number; readonly metrics: MetricsSnapshot };

/** To a worker. */
export interface ToWorker {
  readonly type: "measure";
  readonly id: number;
}

/** Whether a value is a message of a worker. Other code in a worker may send messages of its own. */
export function isFromWorker(value: unknown): value is FromWorker {
  const { type } = (value ?? {}) as { type?: unknown };
  return type === "ready" || type === "metrics";
}

/** Whether a value is a message to a worker. */
export function isToWorker(value: unknown): value is ToWorker {
  return (value as { type?: unknown } | undefined)?.type === "measure";
}
