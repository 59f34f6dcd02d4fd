/**
 * One worker, as the process that started it sees it.
 * @module
 */
import cluster, { type Worker } from "node:cluster";
import process from "node:process";
import { isFromWorker, type MetricsSnapshot, type ToWorker, WORKER_VARIABLE, type WorkerTerms } from "./messages.ts";

/** How a process has ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A running worker. */
export interface RunningWorker {
  readonly number: number;
  /** Its process number; -1 if it could not be started. */
  readonly pid: number;
  /** Its port, once it listens; undefined if it has ended before. */
  readonly ready: Promise<number | undefined>;
  readonly ended: Promise<ProcessEnd>;
  /** Whether it was asked to end. */
  readonly isLeaving: boolean;
  /** When it began to listen, on the monotonic clock; undefined if it does not listen. */
  readonly readySinceMs: number | undefined;
  /** The last metrics that it has reported. */
  readonly metrics: MetricsSnapshot | undefined;
  /** Shuts it down cleanly. */
  stop(signal: NodeJS.Signals): void;
  /** Ends it at once. */
  kill(): void;
  /** Asks for its {@link metrics}. Resolves when they have come, or after `timeoutMs`. */
  measure(timeoutMs: number): Promise<void>;
}

/** A worker in a process of its own. */
export class WorkerProcess implements RunningWorker {
  readonly number: number;
  readonly ready: Promise<number | undefined>;
  readonly ended: Promise<ProcessEnd>;
  isLeaving = false;
  readySinceMs: number | undefined;
  metrics: MetricsSnapshot | undefined;
  readonly #worker: Worker;
  readonly #asked = new Map<number, () => void>();
  #lastId = 0;
  #hasEnded = false;

  /** Starts a worker. */
  constructor(terms: WorkerTerms) {
    this.number = terms.number;
    this.#worker = cluster.fork({ [WORKER_VARIABLE]: JSON.stringify(terms) });
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", (code, signal) => resolve({ code, signal }));
      // It could not be started at all.
      this.#worker.on("error", () => {
        if (this.#worker.process.pid === undefined) resolve({ code: 1, signal: null });
      });
    });
    this.ready = new Promise((resolve) => {
      this.#worker.on("message", (message: unknown) => this.#received(message, resolve));
      void this.ended.then(() => resolve(undefined));
    });
    void this.ended.then(() => {
      this.#hasEnded = true;
      this.readySinceMs = undefined;
      for (const answered of this.#asked.values()) answered();
    });
  }

  get pid(): number {
    return this.#worker.process.pid ?? -1;
  }

  stop(signal: NodeJS.Signals): void {
    this.isLeaving = true;
    this.#signal(signal);
  }

  kill(): void {
    this.isLeaving = true;
    this.#signal("SIGKILL");
  }

  /** Sends a signal. Deno's own method for that sends only the first one, and cuts the connection to the worker. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#hasEnded || this.pid === -1) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      // It has ended, which is not reported yet.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  measure(timeoutMs: number): Promise<void> {
    if (this.readySinceMs === undefined || !this.#worker.isConnected()) return Promise.resolve();
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#asked.set(id, done);
      const question: ToWorker = { type: "measure", id };
      // A worker that has just ended receives nothing; its last metrics count.
      this.#worker.send(question, (error) => error && done());
    });
  }

  #received(message: unknown, resolve: (port: number) => void): void {
    if (!isFromWorker(message)) return;
    if (message.type === "ready") {
      this.readySinceMs = performance.now();
      resolve(message.port);
      return;
    }
    this.metrics = message.metrics;
    if (message.id !== undefined) this.#asked.get(message.id)?.();
  }
}
