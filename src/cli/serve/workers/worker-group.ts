/**
 * The workers of a server: a dead one is replaced, and all are replaced one after the other on request.
 * @module
 */
import { FAILED } from "../../common/exit-codes.ts";
import { BackOff } from "./back-off.ts";
import type { MetricsSnapshot } from "./messages.ts";
import type { ProcessEnd, RunningWorker } from "./worker-process.ts";

/** The parts of a {@link WorkerGroup}. */
export interface WorkerGroupParts {
  /** How many workers there are. */
  readonly count: number;
  /** Starts the worker with a number. `port`: where it listens; undefined for the port that the command line names. */
  readonly fork: (number: number, port: number | undefined) => RunningWorker;
  /**
   * Whether workers that listen at the address of the first one share its port, even if that address names any free
   * port.
   */
  readonly sharesListener: boolean;
  /**
   * Milliseconds within which a worker must end after it was asked to. One that hangs or is suspended is then killed.
   */
  readonly endMs: number;
  /** Receives a sentence about each worker that starts or ends, except for the first start. */
  readonly announce: (line: string) => void;
  /** Receives the last metrics of a worker that has ended. */
  readonly onLastMetrics: (metrics: MetricsSnapshot) => void;
}

/** The place of one worker, whichever process fills it. */
interface Place {
  readonly number: number;
  readonly backOff: BackOff;
  worker: RunningWorker | undefined;
  /** Settles when no worker is being started in this place. */
  starting: Promise<void> | undefined;
}

/** The workers. Call {@link start}, and in the end {@link stop}. */
export class WorkerGroup {
  readonly #parts: WorkerGroupParts;
  readonly #places: readonly Place[];
  /** All workers that run, also those that are about to be replaced, or not ready. */
  readonly #running = new Set<RunningWorker>();
  /** How many workers have ended unexpectedly, also before they served. */
  deaths = 0;
  #port: number | undefined;
  /** The port that the present workers were started with. */
  #told: number | undefined;
  #stopping: NodeJS.Signals | undefined;
  #isStarted = false;
  /** Ends the waits for replacements. */
  readonly #pauses = new Set<() => void>();
  #rolling: Promise<void> | undefined;
  #rollsAgain = false;

  constructor(parts: WorkerGroupParts) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.count }, (_, at) => {
      return { number: at + 1, backOff: new BackOff(), worker: undefined, starting: undefined };
    });
  }

  /** The workers that listen. */
  get ready(): RunningWorker[] {
    return [...this.#running].filter(({ readySinceMs, isLeaving }) => readySinceMs !== undefined && !isLeaving);
  }

  /** The last metrics of the running workers. Those of an ended worker were passed to `onLastMetrics`. */
  get metrics(): MetricsSnapshot[] {
    return [...this.#running].flatMap(({ metrics }) => (metrics ? [metrics] : []));
  }

  /** Lets all workers report their {@link metrics}, for `timeoutMs` at most. */
  async measure(timeoutMs: number): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.measure(timeoutMs)));
  }

  /**
   * Starts all workers: the first one alone, which finds out whether they can start at all, and on which port.
   *
   * @returns The port; or the end of a worker that could not start. That worker has printed the reason, and the others
   * have ended as well.
   */
  async start(): Promise<number | ProcessEnd> {
    const [first, ...others] = this.#places;
    for (const places of [first ? [first] : [], others]) {
      const ends = await Promise.all(places.map((place) => this.#startIn(place)));
      const failed = ends.find((end) => end !== undefined);
      if (failed && this.#stopping === undefined) {
        await this.stop("SIGTERM");
        return failed;
      }
    }
    for (const place of this.#places) this.#watch(place);
    this.#isStarted = true;
    if (this.#rollsAgain) void this.roll();
    return this.#port ?? 0;
  }

  /** Replaces all workers, one after the other: each new one listens before the old one ends. Before that, all must have started. */
  roll(): Promise<void> {
    this.#rollsAgain = true;
    if (!this.#isStarted) return Promise.resolve();
    this.#rolling ??= this.#rollAll().finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Shuts down all workers cleanly, and kills those that do not end. Resolves when they have ended. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#stopping ??= signal;
    for (const end of this.#pauses) end();
    // A second signal would end a worker at once.
    for (const worker of this.#running) if (!worker.isLeaving) this.#end(worker, signal);
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const worker of this.#running) worker.kill();
  }

  #fork({ number }: Place): RunningWorker {
    // Workers find their shared listener by the address that they were started with. Without a worker, the listener no
    // longer exists.
    if (this.ready.length === 0 || !this.#parts.sharesListener) this.#told = this.#port;
    const worker = this.#parts.fork(number, this.#told);
    this.#running.add(worker);
    void worker.ended.then(() => {
      this.#running.delete(worker);
      if (worker.metrics) this.#parts.onLastMetrics(worker.metrics);
    });
    // The shutdown began while this worker was being started.
    if (this.#stopping) this.#end(worker, this.#stopping);
    return worker;
  }

  /**
   * Starts a worker, and puts it in its place once it listens. Resolves to the end of a worker that ended before that.
   */
  async #startIn(place: Place): Promise<ProcessEnd | undefined> {
    let worker: RunningWorker;
    try {
      worker = this.#fork(place);
    } catch (error) {
      this.#parts.announce(
        `worker ${place.number} can't be started: ${error instanceof Error ? error.message : error}`,
      );
      this.deaths++;
      return { code: FAILED, signal: null };
    }
    const port = await worker.ready;
    if (port === undefined) {
      const end = await worker.ended;
      if (!worker.isLeaving) this.deaths++;
      return end;
    }
    this.#port ??= port;
    place.worker = worker;
    return undefined;
  }

  /** Replaces the worker of a place when it dies. */
  #watch(place: Place): void {
    const { worker } = place;
    if (!worker) return;
    const sinceMs = worker.readySinceMs ?? performance.now();
    void worker.ended.then(async (end) => {
      const livedMs = performance.now() - sinceMs;
      if (!worker.isLeaving) this.deaths++;
      while (place.starting) await place.starting;
      // It was replaced.
      if (place.worker !== worker || this.#stopping) return;
      place.worker = undefined;
      this.#begin(place, this.#replaceDead(place, worker, end, livedMs));
    });
  }

  /** Notes that a worker is being started in a place. */
  #begin(place: Place, work: Promise<unknown>): void {
    const starting = work.then(() => {
      if (place.starting === starting) place.starting = undefined;
    });
    place.starting = starting;
  }

  async #replaceDead(place: Place, dead: RunningWorker, end: ProcessEnd, livedMs: number): Promise<void> {
    const { announce } = this.#parts;
    let what = `${nameOf(dead)} ${toldEnd(end)}`;
    let waitMs = place.backOff.after(livedMs);
    while (!this.#stopping) {
      announce(`${what}; another one starts in ${waitMs / 1000} s`);
      await this.#pause(waitMs);
      if (this.#stopping) return;
      const failed = await this.#startIn(place);
      if (!failed) {
        if (place.worker) announce(`${nameOf(place.worker)} serves in place of process ${dead.pid}`);
        this.#watch(place);
        return;
      }
      what = `worker ${place.number} ${toldEnd(failed)} before it served`;
      waitMs = place.backOff.after(0);
    }
  }

  async #rollAll(): Promise<void> {
    while (this.#rollsAgain && !this.#stopping) {
      this.#rollsAgain = false;
      this.#parts.announce("the workers are replaced, one after the other");
      for (const place of this.#places) if (!(await this.#replace(place))) return;
      if (!this.#stopping) this.#parts.announce("all workers were replaced");
    }
  }

  /** Replaces the worker of a place. Resolves to whether the next one can be replaced, too. */
  async #replace(place: Place): Promise<boolean> {
    // A worker that is being started now is new, but may have started before the program or its files changed.
    while (place.starting) await place.starting;
    const old = place.worker;
    if (this.#stopping) return false;
    const start = this.#startIn(place);
    this.#begin(place, start);
    const failed = await start;
    if (this.#stopping) return false;
    if (failed) {
      const what = `a new worker ${place.number} ${toldEnd(failed)} before it served`;
      this.#parts.announce(`${what}; the workers that are left stay as they are`);
      return false;
    }
    this.#watch(place);
    if (old) this.#end(old, "SIGTERM");
    await old?.ended;
    return true;
  }

  #end(worker: RunningWorker, signal: NodeJS.Signals): void {
    const { endMs, announce } = this.#parts;
    worker.stop(signal);
    const timer = setTimeout(() => {
      announce(`${nameOf(worker)} has not ended in ${endMs / 1000} s, and is killed`);
      worker.kill();
    }, endMs);
    void worker.ended.then(() => clearTimeout(timer));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#pauses.add(done);
    });
  }
}

function nameOf({ number, pid }: RunningWorker): string {
  return `worker ${number} (process ${pid})`;
}

function toldEnd({ code, signal }: ProcessEnd): string {
  return signal === null || signal === "" ? `has ended with code ${code}` : `was killed by ${signal}`;
}
