/**
 * The jobs that clients give to the writer of a path.
 * @module
 */

import type { Batch } from "../append/channel.ts";
import type { AppendPreconditions } from "../append/claim.ts";
import type { LineTail } from "../append/json-scanner.ts";
import type { StreamState } from "../storage/stream-state.ts";

/** The path as a job finds it. */
export interface Present {
  /** Bytes stored. */
  readonly size: number;
  /** Undefined for a plain file. */
  readonly state: StreamState | undefined;
  readonly generation: string;
  /** The state of the last line of a stream of JSON. */
  readonly tail: LineTail;
}

/** The claimed path, for a job that runs alone. */
export interface ClaimedJobPath extends Present {
  /** Stores a batch, whole or not at all. */
  store(batch: Batch): Promise<void>;
}

/** What a job stores, and its answer once that is stored. */
export interface Decision {
  /** Undefined if there is nothing to store. */
  readonly batch: Batch | undefined;
  /** Called when everything is stored. `size` is the offset just past this job's bytes. */
  settled(size: number, generation: string): void;
}

/** The members that all jobs have. */
interface AnyJob {
  /** When the job gives up waiting for the claim, on the clock of `performance.now()`. */
  readonly untilMs: number;
  /** How to claim the path for it. */
  readonly terms: AppendPreconditions;
  /** Called if the path can't be claimed, if the job is refused, or if storing fails. */
  failed(error: unknown): void;
}

/** A job whose bytes may be stored together with those of others. */
export interface MergeableJob extends AnyJob {
  /** Bytes of its request. */
  readonly bytes: number;
  /** Decides what to store. An error refuses only this job. */
  decide(present: Present): Decision;
}

/** A job that runs alone. */
export interface SoloJob extends AnyJob {
  /** Runs. An error ends the job only, unless storing has failed. */
  run(held: ClaimedJobPath): Promise<void>;
}

export type Job = MergeableJob | SoloJob;
