/**
 * Between an appender's connection and its channel: pieces that arrive while a write is under way become one batch.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Outcome } from "../follow/followable.ts";
import type { Limits } from "../limits.ts";
import type { Channel } from "./channel.ts";
import { PieceQueue } from "./piece-queue.ts";
import { turnEnd } from "./turn.ts";

/** Fewer bytes than this, if they are no whole batch, wait for what else comes in the same turn. */
const PATIENT_BYTES = 16 * 1024;

/** What the owner of a {@link Batcher} wants to hear. */
export interface AppenderEvents {
  /** A batch is stored: every byte before `offset` is. */
  stored?(offset: number): void;
  /** Storing failed. Nothing more is taken; end the appender. */
  failed?(error: StreamError): void;
}

/** Takes pieces of any size from one appender and writes them to the channel in batches, one at a time. */
export class Batcher {
  readonly channel: Channel;
  /** What stopped it, if storing failed. */
  error: StreamError | undefined;
  readonly #limits: Readonly<Limits>;
  readonly #events: AppenderEvents;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #pieces = new PieceQueue();
  #queued = 0;
  #writing: Promise<void> | undefined;
  #ending: Promise<Outcome> | undefined;

  /**
   * @param channel Where the bytes go. The appender ends it.
   * @param limits Batch sizes.
   * @param events Told of progress and failure.
   */
  constructor(channel: Channel, limits: Readonly<Limits>, events: AppenderEvents = {}) {
    this.channel = channel;
    this.#limits = limits;
    this.#events = events;
    this.#writer = channel.writable.getWriter();
    // The rejection is reported once, where the write is awaited.
    this.#writer.closed.catch(() => {});
    const { revoked } = channel;
    revoked.addEventListener("abort", () => this.#fail(revoked.reason), { once: true });
  }

  /** Bytes taken and not yet stored. */
  get queued(): number {
    return this.#queued;
  }

  /** Resolves when everything taken so far is stored, or storing has failed. */
  get idle(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  /** Takes a piece. It is copied or stored before the caller's next turn only if it waits; do not change it. */
  push(piece: Uint8Array): void {
    if (piece.length === 0 || this.error || this.#ending) return;
    this.#pieces.push(piece);
    this.#queued += piece.length;
    this.#writing ??= this.#write();
  }

  /**
   * Stores what was taken, and looks whether all of it is still there: a quiet appender would not notice that its file
   * was taken away. If it is not, it fails with `changed`.
   */
  async verify(): Promise<void> {
    await this.#writing;
    if (!this.error) await this.channel.verify().catch((error: unknown) => this.#fail(error));
  }

  /**
   * Stores what was taken, gives the path back and tells the followers how it ended. The first call decides the reason.
   * Storing errors do not reject it: see {@link error}.
   */
  end(reason: EndReason, unused = false): Promise<Outcome> {
    this.#ending ??= this.#end(reason, unused);
    return this.#ending;
  }

  async #end(reason: EndReason, unused: boolean): Promise<Outcome> {
    await (reason === "restarting" ? this.#writing : this.verify());
    if (!this.error) await this.#writer.close().catch((error: unknown) => this.#fail(error));
    // What failed elsewhere than in a write has left the channel open.
    if (this.error) await this.#writer.abort(this.error).catch(() => {});
    // A store that can tell more says so with its handle.
    const failure = this.error && (this.error.code === "changed" ? "deleted" : "failed");
    try {
      return await this.channel.finish(failure ?? reason, unused);
    } catch (error) {
      this.#fail(error);
      return this.channel.outcome as Outcome;
    }
  }

  async #write(): Promise<void> {
    // All that arrived in the same read of the connection becomes one batch. Node hands it out at once, others a message at
    // a time; so what is little waits until they have handed out all of it.
    await undefined;
    if (this.#queued < Math.min(PATIENT_BYTES, this.#limits.batchBytes)) await turnEnd();
    try {
      while (this.#pieces.bytes > 0) {
        const batch = this.#pieces.take(this.#limits.batchBytes);
        await this.#writer.write(batch);
        // It may have been taken from us while we waited.
        if (this.error) break;
        this.#queued -= batch.length;
        this.#events.stored?.(this.channel.size);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
  }

  #fail(error: unknown): void {
    if (this.error) return;
    this.error = StreamError.from(error, "storage");
    this.#pieces.clear();
    this.#queued = 0;
    this.#events.failed?.(this.error);
  }
}
