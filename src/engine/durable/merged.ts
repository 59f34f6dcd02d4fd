/**
 * Merges the decisions of several jobs into one batch.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { concat } from "../../support/concat.ts";
import type { Batch } from "../append/channel.ts";
import type { LineTail } from "../append/json-scanner.ts";
import { changedState, type ProducerState, type StreamChange, type StreamState } from "../storage/stream-state.ts";
import type { MergeableJob, Present } from "./job.ts";

/** The decisions of several jobs. Each is made as if what the earlier ones store were stored already. */
export class Merged {
  /** Bytes of the batch. */
  bytes = 0;
  readonly #from: number;
  readonly #generation: string;
  #tail: LineTail;
  readonly #pieces: Uint8Array[] = [];
  #change: StreamChange | undefined;
  #state: StreamState | undefined;
  /** The producers of {@link #change} and of {@link #state}. */
  #changed: Record<string, ProducerState> | undefined;
  #known: Record<string, ProducerState> | undefined;
  readonly #settled: (() => void)[] = [];
  readonly #failed: ((error: unknown) => void)[] = [];

  constructor({ size, state, generation, tail }: Present) {
    this.#from = size;
    this.#state = state;
    this.#generation = generation;
    this.#tail = tail;
  }

  /** Lets a job decide. */
  add(job: MergeableJob): void {
    this.#failed.push((error) => job.failed(error));
    const generation = this.#generation;
    const tail = this.#tail;
    try {
      const { batch, settled } = job.decide({ size: this.#from + this.bytes, state: this.#state, generation, tail });
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
    if (bytes.length > 0) {
      this.#pieces.push(bytes);
      this.#tail = "blank";
    }
    this.bytes += bytes.length;
    if (!change) return;
    // A copy for each of many jobs would cost more than what they store. A producer may be called "__proto__".
    this.#changed ??= producersOf(undefined);
    this.#known ??= producersOf(this.#state);
    const producers = Object.assign(this.#changed, change.producers);
    this.#change = { ...this.#change, ...change, producers };
    const state = changedState(this.#state && { ...this.#state, producers: {} }, { ...change, producers: {} });
    this.#state = { ...state, producers: Object.assign(this.#known, change.producers) };
  }
}

/** The producers of a state, in an object that inherits nothing: each name that is assigned is a member of its own. */
function producersOf(state: StreamState | undefined): Record<string, ProducerState> {
  return Object.assign(Object.create(null), state?.producers);
}
