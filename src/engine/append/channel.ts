/**
 * One append to a path: the TransformStream that all appended bytes flow through.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { Broadcast } from "../follow/broadcast.ts";
import type { Followable, Outcome } from "../follow/followable.ts";
import type { Chunk } from "../follow/live-chunk.ts";
import type { RecentPool } from "../follow/recent-chunks.ts";
import type { AppendHandle } from "../storage/store.ts";
import type { StreamChange, StreamState } from "../storage/stream-state.ts";
import type { JsonScanner, LineTail } from "./json-scanner.ts";
import type { UsedSpace } from "./used-space.ts";

/**
 * The high-water mark at both ends of the stream. Hardly any chunk waits, since the appender waits for each batch and
 * the broadcast waits for nothing. Below 2, streams allocate a backpressure promise per chunk.
 */
const ROOM = { highWaterMark: 2 };

/** Bytes to store, and what they change of the stream. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly change?: StreamChange | undefined;
}

/** Options of a {@link Channel}. */
export interface ChannelOptions {
  /** The id of the request that begins it. Default: no request. */
  readonly requestId?: string | undefined;
  /** The scanner of a JSON stream, which has read the last line. Default: the path is not a JSON stream. */
  readonly lines?: JsonScanner | undefined;
  /** Whether the claim is cached between many short appends. Default false. */
  readonly isKept?: boolean | undefined;
  /** Counts the bytes of the store, and limits them. Default: there is no limit. */
  readonly used?: UsedSpace | undefined;
}

/** The open channel of a path: it stores batches, which gives them their offsets, and passes them to the live set. */
export class Channel implements Followable {
  readonly path: string;
  /** The id of the request that began the append, if one did. */
  readonly requestId: string | undefined;
  /** Whether the claim is cached between many short appends. */
  readonly isKept: boolean;
  /** Accepts batches; each write settles when its batch is stored and passed to the broadcast. */
  readonly writable: WritableStream<Batch>;
  /** The followers at the tail. */
  readonly broadcast: Broadcast;
  /** Set once the channel has ended. */
  outcome: Outcome | undefined;
  readonly #handle: AppendHandle;
  readonly #broadcasting: Promise<void>;
  readonly #used: UsedSpace | undefined;
  /** Checks what is appended to a stream of JSON; undefined for others. */
  readonly #lines: JsonScanner | undefined;
  /** Whether it is unknown what of the last batch is stored. */
  #isUncertain = false;

  /**
   * @param path The resource path.
   * @param handle The right to append to the path; {@link finish} releases it.
   * @param pool Keeps recent chunks for lagging followers.
   * @param more What else is known. Default: nothing.
   */
  constructor(path: string, handle: AppendHandle, pool: RecentPool, more: ChannelOptions = {}) {
    const { requestId, lines, isKept = false, used } = more;
    this.#used = used;
    this.isKept = isKept;
    this.#lines = lines;
    this.path = path;
    this.requestId = requestId;
    this.#handle = handle;
    this.broadcast = new Broadcast(handle.offset, pool);
    const { readable, writable } = new TransformStream<Batch, Chunk>(
      { transform: (batch, controller) => this.#store(batch, controller) },
      ROOM,
      ROOM,
    );
    this.writable = writable;
    // The appender sees a failed append through the writable; for the live set, the stream just ends.
    this.#broadcasting = this.broadcast.run(readable).catch(() => {});
  }

  /** The size of the path: the offset just past its last stored byte. */
  get size(): number {
    return this.#handle.offset;
  }

  get finalSize(): number | undefined {
    return this.stream?.closed ? this.size : undefined;
  }

  get generation(): string {
    return this.#handle.generation;
  }

  get type(): string | undefined {
    return this.#handle.type;
  }

  /** The state of the path, if it is a stream. */
  get stream(): StreamState | undefined {
    return this.#handle.stream;
  }

  /** The state of the last line of a stream of JSON. */
  get lineTail(): LineTail {
    return this.#lines?.tail ?? "blank";
  }

  /** Whether the claim created the path; undefined if the driver does not know. */
  get created(): boolean | undefined {
    return this.#handle.created;
  }

  /** The number of its claim; see {@link AppendHandle.epoch}. */
  get epoch(): number {
    return this.#handle.epoch;
  }

  /** Aborts when another process has taken over the path, or it is uncertain what is stored. */
  get revoked(): AbortSignal {
    return this.#handle.revoked;
  }

  /**
   * Whether another process has taken over the path, see {@link AppendHandle.isRevoked}, or only the next claim knows what
   * is stored.
   */
  isRevoked(): boolean {
    return this.#isUncertain || (this.#handle.isRevoked?.() ?? this.#handle.revoked.aborted);
  }

  /** Aborts when another process requests a handover; see {@link AppendHandle.handoverRequested}. */
  get handoverRequested(): AbortSignal | undefined {
    return this.#handle.handoverRequested;
  }

  /** Leaves an end marker for watchers in other processes; see {@link AppendHandle.leaveEndMarker}. */
  async leaveEndMarker(reason: EndReason): Promise<void> {
    await this.#handle.leaveEndMarker?.(reason);
  }

  /**
   * Checks that everything stored is still there.
   *
   * @throws {StreamError} `changed`, `fenced`, `storage`.
   */
  async verify(): Promise<void> {
    await this.#handle.verify?.();
  }

  /**
   * Ends the channel: releases the path, then informs the followers. The writable must already be closed, aborted or
   * failed.
   *
   * @param unused Whether the append never began, because its upgrade failed or its creation was refused; if so, a file
   * that the claim created is removed.
   * @throws {StreamError} what releasing the path throws; the channel has ended nevertheless.
   */
  async finish(reason: EndReason, unused: boolean): Promise<Outcome> {
    await this.#broadcasting;
    // An append that another process continues has not ended, whatever happened to it here.
    const ended = this.isRevoked() ? "restarting" : (this.#handle.fate ?? reason);
    const outcome: Outcome = { size: this.size, reason: ended };
    try {
      // After an uncertain creation, the path may have bytes.
      await (unused && !this.#isUncertain && this.#handle.discard
        ? this.#handle.discard()
        : this.#handle.release(outcome.reason));
    } finally {
      this.outcome = outcome;
      this.broadcast.dissolve();
    }
    return outcome;
  }

  async #store(batch: Batch, controller: TransformStreamDefaultController<Chunk>): Promise<void> {
    const start = this.size;
    const { bytes, change } = this.#checked(batch);
    this.#used?.take(this.path, bytes.length);
    try {
      const end = await this.#handle.append(bytes, change);
      if (bytes.length > 0) controller.enqueue({ bytes, end });
    } catch (error) {
      // A failed batch may be stored in part. That part counts: it is published, and not written again.
      if (this.size > start) {
        controller.enqueue({ bytes: bytes.subarray(0, this.size - start), end: this.size });
      }
      const failure = StreamError.from(error, "storage");
      // Even if the driver does not say so: from now on, it is not known where the next byte goes.
      if (failure.code === "unavailable") this.#isUncertain = true;
      throw failure;
    }
    if (bytes.length < batch.bytes.length) throw refusedLine(this.path, this.size, this.#lines?.isTooLong);
  }

  /** Truncates a batch before its first line that is not JSON. */
  #checked(batch: Batch): Batch {
    if (!this.#lines) return batch;
    const { bytes, change } = batch;
    if (!change) return { bytes: bytes.subarray(0, this.#lines.take(bytes)) };
    // Whole messages, which were checked where they came from.
    if (bytes.length > 0) this.#lines.restart();
    return batch;
  }
}

function refusedLine(path: string, size: number, isTooLong = false): StreamError {
  if (isTooLong) {
    const message = `A line of "/${path}" at or after byte ${size} exceeds durableBodyBytes. The lines before it are stored.`;
    return new StreamError("too_large", message, { path });
  }
  // The reason of a WebSocket's end has room for 123 bytes.
  const message = `A line of "/${path}" at or after byte ${size} is not JSON. The lines before it are stored.`;
  return new StreamError("not_json", message, { path });
}
