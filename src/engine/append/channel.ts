/**
 * One appender's time on a path: the TransformStream that everything appended flows through.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { Broadcast } from "../follow/broadcast.ts";
import type { Followable, Outcome } from "../follow/followable.ts";
import type { Chunk } from "../follow/live-chunk.ts";
import type { RecentPool } from "../follow/recent-chunks.ts";
import type { AppendHandle } from "../storage/store.ts";

/**
 * How much may wait at either end of the stream. Hardly anything does, as appenders wait until a batch is stored, and giving
 * it out waits for nobody; but with less room than two the streams make new promises about that for every chunk.
 */
const ROOM = { highWaterMark: 2 };

/** The open channel of a path: bytes go in, get their offsets by being stored, and come out to the live set. */
export class Channel implements Followable {
  readonly path: string;
  /** Takes batches; each write settles when its batch is stored and published. */
  readonly writable: WritableStream<Uint8Array>;
  /** The followers at the tail. */
  readonly broadcast: Broadcast;
  /** Set once the channel has ended. */
  outcome: Outcome | undefined;
  readonly #handle: AppendHandle;
  readonly #broadcasting: Promise<void>;

  /**
   * @param path The resource path.
   * @param handle The right to append to it; the channel releases it when it closes.
   * @param pool Where its broadcast keeps what went out last.
   */
  constructor(path: string, handle: AppendHandle, pool: RecentPool) {
    this.path = path;
    this.#handle = handle;
    this.broadcast = new Broadcast(handle.offset, pool);
    const { readable, writable } = new TransformStream<Uint8Array, Chunk>(
      { transform: (batch, controller) => this.#store(batch, controller) },
      ROOM,
      ROOM,
    );
    this.writable = writable;
    // A failed append reaches the appender through the writable; the live set just ends.
    this.#broadcasting = this.broadcast.run(readable).catch(() => {});
  }

  /** The size of the path: the offset just past its last stored byte. */
  get size(): number {
    return this.#handle.offset;
  }

  get generation(): string {
    return this.#handle.generation;
  }

  get type(): string | undefined {
    return this.#handle.type;
  }

  /** Aborts when another process has taken the path over. */
  get revoked(): AbortSignal {
    return this.#handle.revoked;
  }

  /** Aborts when another process asks for the path; see {@link AppendHandle}. */
  get handoverRequested(): AbortSignal | undefined {
    return this.#handle.handoverRequested;
  }

  /** Leaves word of how it is about to end, for those who watch from another process; see {@link AppendHandle}. */
  async leaveEndMarker(reason: EndReason): Promise<void> {
    await this.#handle.leaveEndMarker?.(reason);
  }

  /**
   * Looks whether everything is where it was stored.
   *
   * @throws {StreamError} `changed`, `fenced`, `storage`.
   */
  async verify(): Promise<void> {
    await this.#handle.verify?.();
  }

  /**
   * Ends the channel: gives the path back to the store, then tells the followers. The writable must have been closed,
   * aborted or have failed before.
   *
   * @param unused Whether the append never began, as its upgrade failed: a file that was made for it goes again.
   */
  async finish(reason: EndReason, unused = false): Promise<Outcome> {
    await this.#broadcasting;
    // What another process goes on with has not ended, whatever became of it here.
    const ended = this.revoked.aborted ? "restarting" : (this.#handle.fate ?? reason);
    const outcome: Outcome = { size: this.size, reason: ended };
    try {
      await (unused && this.#handle.discard ? this.#handle.discard() : this.#handle.release(outcome.reason));
    } finally {
      this.outcome = outcome;
      this.broadcast.dissolve();
    }
    return outcome;
  }

  async #store(batch: Uint8Array, controller: TransformStreamDefaultController<Chunk>): Promise<void> {
    const start = this.size;
    try {
      const end = await this.#handle.append(batch);
      controller.enqueue({ bytes: batch, end });
    } catch (error) {
      // What was stored of a batch that failed half-way is persisted all the same: it counts, and is not written again.
      if (this.size > start) {
        controller.enqueue({ bytes: batch.subarray(0, this.size - start), end: this.size });
      }
      throw StreamError.from(error, "storage");
    }
  }
}
