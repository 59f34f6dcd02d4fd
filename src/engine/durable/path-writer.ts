/**
 * The writer of one path: it queues the appends of many clients behind one claim.
 *
 * A claim costs much more than a short append, so the writer holds the claim for a while after the last append. It
 * releases it at once when another appender claims the path.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { AppendOwner } from "../append/append-slot.ts";
import type { Batch } from "../append/channel.ts";
import type { Admission, AppendRegistry } from "../append/registry.ts";
import { withFewProducers } from "../storage/stream-state.ts";
import { claimInTime } from "./claim-in-time.ts";
import type { ClaimedJobPath, Job, MergeableJob, Present } from "./job.ts";
import { Merged } from "./merged.ts";

/** Maximum number of jobs per batch: the note of a batch lists the producer of each job. */
const MAX_JOBS = 1_000;

/** Milliseconds for which an idle claim is cached after the last append. */
const LINGER_MS = 3_000;

/** The state changes of a writer. */
export interface WriterEvents {
  /** It has neither jobs nor the claim. */
  idle(): void;
  /** It has a job. */
  works(): void;
  /** It is idle, and keeps the claim for the next job. */
  lingers(): void;
}

/** Runs the jobs of one path in their order. */
export class PathWriter implements AppendOwner {
  readonly #registry: AppendRegistry;
  readonly #path: string;
  readonly #events: WriterEvents;
  readonly #queue: Job[] = [];
  #admission: Admission | undefined;
  #running: Promise<void> | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  #releasing: Promise<void> | undefined;
  /** Whether another appender waits for the path. */
  #isYielding = false;

  constructor(registry: AppendRegistry, path: string, events: WriterEvents) {
    this.#registry = registry;
    this.#path = path;
    this.#events = events;
  }

  /** Whether it has the claim, and nothing to store. */
  get isLingering(): boolean {
    return this.#admission !== undefined && this.#running === undefined;
  }

  /** Whether it has something to store. */
  get isWriting(): boolean {
    return this.#running !== undefined;
  }

  /** The state of the path, from the claim; undefined without a claim, or if the claim has failed. */
  get present(): Present | undefined {
    const kept = this.#admission;
    return kept && !kept.batcher.error ? presentIn(kept) : undefined;
  }

  /** Adds a job. */
  add(job: Job): void {
    this.#queue.push(job);
    this.#start();
  }

  /** Releases the claim once the batch under way is stored. Jobs that are left claim the path again. */
  async yield(): Promise<void> {
    if (!this.#admission) return;
    this.#isYielding = true;
    if (this.#running) await this.#registry.whenFree(this.#path);
    else await this.#release();
  }

  /** Another appender in this process claims the path. It waits until the path is free. */
  endIfLeft(): boolean {
    void this.yield();
    return true;
  }

  failed(): void {
    // A batch that has failed is reported where it was stored.
    if (!this.#running) void this.#release();
  }

  async shutDown(): Promise<void> {
    await this.yield();
  }

  #start(): void {
    clearTimeout(this.#lingering);
    this.#events.works();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0) this.#start();
      else if (this.#isYielding || !this.#admission?.batcher.channel.stream) void this.#release();
      else this.#linger();
    });
  }

  #linger(): void {
    this.#lingering = setTimeout(() => void this.#release(), LINGER_MS);
    this.#events.lingers();
  }

  async #run(): Promise<void> {
    await this.#releasing;
    for (let job = this.#queue[0]; job; job = this.#queue[0]) {
      if (this.#isYielding) await this.#release();
      try {
        const admission = (await this.#verified()) ?? (await this.#claim(job));
        await this.#runOn(admission);
      } catch (error) {
        // The path could not be claimed for this job.
        this.#queue.shift();
        job.failed(error);
      }
    }
  }

  /** The idle claim, unless another program has changed the file since. */
  async #verified(): Promise<Admission | undefined> {
    const kept = this.#admission;
    await kept?.batcher.verify();
    if (kept?.batcher.error) await this.#release();
    return this.#admission;
  }

  async #claim({ terms, untilMs }: Job): Promise<Admission> {
    const admission = await claimInTime(this.#registry, { path: this.#path, terms, untilMs });
    admission.connect(this);
    this.#admission = admission;
    const { handoverRequested } = admission.batcher.channel;
    handoverRequested?.addEventListener("abort", () => void this.yield());
    // An aborted signal fires no event.
    if (handoverRequested?.aborted || this.#registry.closing) this.#isYielding = true;
    return admission;
  }

  /** Runs the next job, or as many as fit into one batch. Never throws. */
  async #runOn(admission: Admission): Promise<void> {
    const { batcher } = admission;
    const { channel } = batcher;
    const [first] = this.#queue;
    if (first && "run" in first) await this.#runAlone(first, admission);
    else await this.#store(admission, new Merged(presentIn(admission)));
    // Followers of a closed stream learn of it when the append ends.
    if (batcher.error || channel.stream?.closed) await this.#release();
  }

  async #runAlone(job: Extract<Job, { run: unknown }>, admission: Admission): Promise<void> {
    this.#queue.shift();
    const { batcher } = admission;
    const held: ClaimedJobPath = {
      ...presentIn(admission),
      store: (batch) => batcher.store(this.#bounded(batch, admission)),
    };
    await job.run(held).catch(async (error: unknown) => {
      // When the client learns of the refusal, what the claim has created is gone.
      if (isUnused(admission) || batcher.channel.stream?.incomplete) await this.#release();
      job.failed(error);
    });
  }

  async #store(admission: Admission, merged: Merged): Promise<void> {
    const taken: MergeableJob[] = [];
    const { collected, whole } = this.#registry.batchSizes;
    const max = Math.min(collected, whole);
    for (let job = this.#queue[0]; job && "decide" in job; job = this.#queue[0]) {
      if (taken.length === MAX_JOBS || (taken.length > 0 && merged.bytes + job.bytes > max)) break;
      this.#queue.shift();
      taken.push(job);
      merged.add(job);
    }
    try {
      const batch = merged.batch();
      if (batch) await admission.batcher.store(this.#bounded(batch, admission));
      merged.settle();
    } catch (error) {
      if (this.#isStale(error, taken)) this.#queue.unshift(...taken);
      else merged.fail(error);
    }
  }

  /** A batch after which the stream does not have too many producers. */
  #bounded(batch: Batch, { batcher: { channel } }: Admission): Batch {
    const max = this.#registry.limits.durableProducers;
    return batch.change ? { ...batch, change: withFewProducers(channel.stream, batch.change, max) } : batch;
  }

  /** Whether the claim was lost before anything was stored, so that the jobs can be tried again on a new claim. */
  #isStale(error: unknown, jobs: readonly MergeableJob[]): boolean {
    const isLost = error instanceof StreamError && (error.code === "changed" || error.code === "fenced");
    const isFirst = jobs.every((job) => !this.#retried.has(job));
    for (const job of jobs) this.#retried.add(job);
    return isLost && isFirst;
  }

  readonly #retried = new WeakSet<Job>();

  #release(): Promise<void> {
    clearTimeout(this.#lingering);
    this.#isYielding = false;
    const admission = this.#admission;
    this.#admission = undefined;
    const ended = admission?.end("complete", isUnused(admission)).then(
      () => {},
      () => {},
    );
    const releasing = Promise.all([this.#releasing, ended]).then(() => {
      if (this.#releasing === releasing) this.#releasing = undefined;
      if (this.#queue.length === 0 && !this.#admission && !this.#running) this.#events.idle();
    });
    this.#releasing = releasing;
    return releasing;
  }
}

/** Whether the claim has created the path, and nothing was stored: a creation that is refused leaves nothing. */
function isUnused({ batcher: { channel } }: Admission): boolean {
  return channel.created === true && channel.size === 0 && channel.stream === undefined;
}

function presentIn({ batcher: { channel } }: Admission): Present {
  return { size: channel.size, state: channel.stream, generation: channel.generation, tail: channel.lineTail };
}
