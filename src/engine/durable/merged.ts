/**
 * Merges the decisions of several jobs into one batch.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { concat } from "../../support/concat.ts";
import type { Batch } from "../append/channel.ts";
import { changedState, type StreamChange, type StreamState } from "../storage/stream-state.ts";
import type { MergeableJob, Present } from "./job.ts";

/** The decisions of several jobs. Each is made as if what the earlier ones store were stored already. */
export class Merged {
  /** Bytes of the batch. */
  bytes = 0;
  readonly #from: number;
  readonly #generation: string;
  readonly #pieces: Uint8Array[] = [];
  #change: StreamChange | undefined;
  #state: StreamState | undefined;
  readonly #settled: (() => void)[] = [];
  readonly #failed: ((error: unknown) => void)[] = [];

  constructor({ size, state, generation }: Present) {
    this.#from = size;
    this.#state = state;
    this.#generation = generation;
  }

  /** Lets a job decide. */
  add(job: MergeableJob): void {
    this.#failed.push((error) => job.failed(error));
    const generation = this.#generation;
    try {
      const { batch, settled } = job.decide({ size: this.#from + this.bytes, state: this.#state, generation });
      if (batch) this.#take(batch);
      const size = this.#from + this.bytes;
      this.#settled.push(() => settled(size, generation));
    } catch (error) {
      // The refusal may be due to a job that is not stored yet, so it waits like an answer.
      this.#settled.push(() => job.failed(error));
    }
  }

  /** The batch; undefined if there is nothing to store. */
  batch(): Batch | undefined {
    if (this.bytes === 0 && !this.#change) return undefined;
    return { bytes: concat(this.#pieces, this.bytes), change: this.#change };
  }

  /** Answers all jobs: the batch is stored. */
  settle(): void {
    for (const settled of this.#settled) settled();
  }

  /** Answers all jobs: nothing was stored. */
  fail(error: unknown): void {
    const failure = StreamError.from(error, "storage");
    for (const failed of this.#failed) failed(failure);
  }

  #take({ bytes, change }: Batch): void {
    if (bytes.length > 0) this.#pieces.push(bytes);
    this.bytes += bytes.length;
    if (!change) return;
    const producers = { ...this.#change?.producers, ...change.producers };
    this.#change = { ...this.#change, ...change, producers };
    this.#state = changedState(this.#state, change);
  }
}
