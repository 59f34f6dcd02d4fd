/**
 * A worker's own side of its connection to the process that started it.
 * @module
 */
import cluster from "node:cluster";
import process from "node:process";
import { joinGroup } from "../../../stores/file/groups/process-group.ts";
import { type FromWorker, isToWorker, type MetricsSnapshot, WORKER_VARIABLE, type WorkerTerms } from "./messages.ts";

/** A worker. */
export class Worker {
  /** The port to listen on; undefined for the one that the command line names. */
  readonly port: number | undefined;

  private constructor({ port }: WorkerTerms) {
    this.port = port;
  }

  /**
   * Joins the group of the process that has started this one as a worker. Call it before the store is opened.
   *
   * @returns Undefined if this process is not a worker.
   */
  static join(): Worker | undefined {
    const terms = process.env[WORKER_VARIABLE];
    if (terms === undefined || !cluster.isWorker) return undefined;
    const parsed = JSON.parse(terms) as WorkerTerms;
    joinGroup(parsed.group);
    // When the other process has died, this one must shut down cleanly, and not end at once.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
    // The signal is meant for the other process, but `pkill` sends it to all processes with the name of the program.
    if (process.platform !== "win32") process.on("SIGUSR2", () => {});
    return new Worker(parsed);
  }

  /** Reports that this worker listens, and answers requests for its metrics. */
  ready(port: number, measure: () => Promise<MetricsSnapshot>): void {
    process.on("message", (message) => {
      if (!isToWorker(message)) return;
      const { id } = message;
      measure().then(
        (metrics) => this.#send({ type: "metrics", id, metrics }),
        () => {},
      );
    });
    this.#send({ type: "ready", port });
  }

  /** Reports the last metrics, so that what this worker has counted is not lost. */
  async leave(measure: () => Promise<MetricsSnapshot>): Promise<void> {
    const metrics = await measure().catch(() => undefined);
    if (metrics) await new Promise<void>((resolve) => this.#send({ type: "metrics", metrics }, resolve));
  }

  #send(message: FromWorker, sent: () => void = () => {}): void {
    // The other process may have ended.
    if (process.connected && process.send) process.send(message, undefined, undefined, () => sent());
    else sent();
  }
}
