/**
 * Collects pieces from an appender's connection into batches for its channel: pieces that arrive during a write become
 * one batch.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Outcome } from "../follow/followable.ts";
import type { Limits } from "../limits.ts";
import { BatchSizes } from "./batch-sizes.ts";
import type { Batch, Channel } from "./channel.ts";
import { PieceQueue } from "./piece-queue.ts";
import { turnEnd } from "./turn.ts";

/** During a burst, a batch with fewer bytes waits for the end of the turn, so that more pieces can join it. */
const COALESCE_BYTES = 16 * 1024;

/** Milliseconds without a write after which an appender is at rest: its next piece is written at once. */
const REST_MS = 1;

/** Callbacks for the owner of a {@link Batcher}. */
export interface AppenderEvents {
  /** A batch is stored: every byte before `offset` is. */
  stored?(offset: number): void;
  /** Storing failed. The batcher accepts no more pieces; end the append. */
  failed?(error: StreamError): void;
}

/** Accepts pieces of any size from one appender and writes them to the channel in batches, one at a time. */
export class Batcher {
  readonly channel: Channel;
  /** The error that stopped it, if storing failed. */
  error: StreamError | undefined;
  readonly #limits: Readonly<Limits>;
  readonly #events: AppenderEvents;
  readonly #sizes: BatchSizes;
  readonly #writer: WritableStreamDefaultWriter<Batch>;
  readonly #pieces = new PieceQueue();
  #queued = 0;
  /** Bytes that it still accepts before the resource reaches its limit. */
  #room: number;
  #isFull = false;
  #wroteMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #ending: Promise<Outcome> | undefined;

  /**
   * @param channel Receives the bytes. {@link end} ends it.
   * @param limits The batch size, and the largest size of the resource.
   * @param events Callbacks for progress and failure. Default: none.
   * @param sizes The sizes of batches. Default: that of the limits.
   */
  constructor(
    channel: Channel,
    limits: Readonly<Limits>,
    events: AppenderEvents = {},
    sizes: BatchSizes = new BatchSizes({}, limits),
  ) {
    this.#sizes = sizes;
    this.channel = channel;
    this.#limits = limits;
    this.#events = events;
    this.#room = limits.pathBytes === 0 ? Number.POSITIVE_INFINITY : Math.max(0, limits.pathBytes - channel.size);
    this.#writer = channel.writable.getWriter();
    // The rejection is handled where the write is awaited.
    this.#writer.closed.catch(() => {});
    const { revoked } = channel;
    revoked.addEventListener("abort", () => this.#fail(revoked.reason));
  }

  /** Bytes accepted and not yet stored. */
  get queued(): number {
    return this.#queued;
  }

  /** Resolves when all accepted bytes are stored, or storing has failed. */
  get idle(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  /**
   * Queues `piece`, if possible without copying; the caller must not modify it. Ignored after a failure or {@link end}.
   * Bytes beyond the largest size of the resource are dropped: what fits is stored, and then the append fails with
   * `limit`.
   */
  push(piece: Uint8Array): void {
    if (this.error || this.#ending) return;
    if (piece.length > this.#room) this.#fill(piece.subarray(0, this.#room));
    else this.#queue(piece);
  }

  /**
   * Stores a batch together with what it changes of the stream, as a whole or not at all. One without a change is stored in
   * parts, if the store accepts only smaller batches. Not to be mixed with {@link push}; calls must not overlap.
   *
   * @throws {StreamError} `limit` if the resource would become too large, `too_large` for the store; what {@link AppendHandle.append} throws, after
   * which the batcher accepts nothing more.
   */
  async store(batch: Batch): Promise<void> {
    if (this.error) throw this.error;
    if (batch.bytes.length > this.#room) throw tooManyBytes(this.channel.path, this.#limits.pathBytes);
    if (batch.change) this.#sizes.assertWhole(this.channel.path, batch.bytes.length);
    this.#room -= batch.bytes.length;
    try {
      for (const part of this.#partsOf(batch)) await this.#writer.write(part);
    } catch (error) {
      this.#fail(error);
    }
    if (this.error) throw this.error;
    this.#events.stored?.(this.channel.size);
  }

  /** A batch, in parts that the store accepts. What it changes is stored at once. */
  *#partsOf(batch: Batch): Generator<Batch, void, void> {
    const { part } = this.#sizes;
    const { bytes, change } = batch;
    if (change || bytes.length <= part) {
      yield batch;
      return;
    }
    for (let from = 0; from < bytes.length; from += part) yield { bytes: bytes.subarray(from, from + part) };
  }

  #queue(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#room -= piece.length;
    this.#queued += piece.length;
    this.#writing ??= this.#write();
  }

  /** Queues the last bytes that fit. The append fails when they are stored. */
  #fill(rest: Uint8Array): void {
    this.#isFull = true;
    this.#queue(rest);
  }

  /**
   * Stores all accepted bytes, then checks that everything stored is still there: an idle appender would not notice
   * that its file was removed. Does not reject: a failed check counts as a storage failure.
   */
  async verify(): Promise<void> {
    await this.#writing;
    if (!this.error) await this.channel.verify().catch((error: unknown) => this.#fail(error));
  }

  /**
   * Stores all accepted bytes, releases the path and reports to the followers how the append ended. First reason wins; a
   * storage failure overrides it. Does not reject on storage failures: see {@link error}.
   *
   * @param unused Whether the append never began; see {@link Channel.finish}. Default false.
   */
  end(reason: EndReason, unused = false): Promise<Outcome> {
    this.#ending ??= this.#end(reason, unused);
    return this.#ending;
  }

  async #end(reason: EndReason, unused: boolean): Promise<Outcome> {
    await (reason === "restarting" ? this.#writing : this.verify());
    // Also after a failure: one outside a write has left the channel open. Rejects only after a failed write.
    await this.#writer.close().catch(() => {});
    // The handle's `fate` overrides this reason if the store knows more.
    const failure = this.error && reasonOf(this.error);
    try {
      return await this.channel.finish(failure ?? reason, unused);
    } catch (error) {
      this.#fail(error);
      return this.channel.outcome as Outcome;
    }
  }

  async #write(): Promise<void> {
    await undefined;
    try {
      while (this.#pieces.bytes > 0) {
        if (this.#mayGrow()) await turnEnd();
        const batch = this.#pieces.take(this.#sizes.collected);
        // A failure during the turn has cleared the queue.
        if (this.error) break;
        await this.#writer.write({ bytes: batch });
        this.#wroteMs = performance.now();
        // The path may have been revoked during the write.
        if (this.error) break;
        this.#queued -= batch.length;
        this.#events.stored?.(this.channel.size);
      }
      if (this.#isFull) this.#fail(tooManyBytes(this.channel.path, this.#limits.pathBytes));
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
  }

  /**
   * Whether the next batch should wait for the end of the turn. Pieces that arrive in the same read of the connection
   * become one batch. Node delivers them synchronously. Other runtimes deliver one message at a time, and a short write
   * may end between two of them, so during a burst a small batch waits until all of them are delivered.
   */
  #mayGrow(): boolean {
    const isSmall = this.#pieces.bytes < Math.min(COALESCE_BYTES, this.#sizes.collected);
    return isSmall && performance.now() - this.#wroteMs < REST_MS;
  }

  #fail(error: unknown): void {
    if (this.error) return;
    this.error = StreamError.from(error, "storage");
    this.#pieces.clear();
    this.#queued = 0;
    this.#events.failed?.(this.error);
  }
}

/** How an append ends that has failed. */
function reasonOf({ code }: StreamError): EndReason {
  if (code === "limit") return "limit";
  return code === "changed" ? "deleted" : "failed";
}

function tooManyBytes(path: string, pathBytes: number): StreamError {
  const message = `"/${path}" has reached the largest size that this server allows, ${pathBytes} bytes (pathBytes). The bytes up to there are stored. Continue under another path.`;
  return new StreamError("limit", message, { path });
}
