/**
 * One follower of a channel: it catches up from the store, joins at the exact tail, goes live, and falls back to the
 * store when its connection is too slow.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { cutText, join, NO_BYTES, TextStart } from "../../protocol/utf8.ts";
import type { Limits } from "../limits.ts";
import { PieceReader } from "../storage/piece-reader.ts";
import type { Store } from "../storage/store.ts";
import type { Member } from "./broadcast.ts";
import type { Followable } from "./followable.ts";
import { Frame } from "./frame.ts";
import type { LiveChunk } from "./live-chunk.ts";

/** The destination of a follower's bytes: a connection with a small buffer of its own. */
export interface Sink {
  /** Bytes accepted and not yet sent. */
  readonly pending: number;
  /** Accepts a frame. Must not throw, even if the connection has closed. */
  send(frame: Frame): void;
  /** Resolves when at most `bytes` are pending, or the connection has closed. */
  drained(bytes: number): Promise<void>;
}

/** How a follow ended: as its channel did, or `gone` if the follower left. */
export type FollowEnd = EndReason | "gone";

/** Where a follower gets its channel. */
export interface Source {
  /** The current channel. */
  readonly source: Followable;
  /**
   * The channel that continues the append, in this process or in another one; undefined if no such channel
   * is known.
   */
  next?(): Promise<Followable | undefined>;
}

/** The parts of a {@link Follower}. */
export interface FollowerParts {
  readonly store: Store;
  readonly from: Source;
  readonly sink: Sink;
  /** Whether it needs text frames, which must end on character boundaries. */
  readonly text: boolean;
  readonly limits: Readonly<Limits>;
  /** Offset of the first byte to send; at most the channel's size. */
  readonly offset: number;
}

/** Follows one channel into one sink. Call {@link run} once; call {@link stop} when the connection has closed. */
export class Follower implements Member {
  /** The offset just past the last byte accepted; a text follower may hold up to three bytes before it. */
  offset: number;
  // Hot path: copied into private fields, because they are read for every chunk of every follower.
  readonly #sink: Sink;
  readonly #text: boolean;
  readonly #budgetBytes: number;
  readonly #readBytes: number;
  readonly #from: Source;
  #channel: Followable;
  readonly #store: Store;
  #carry: Uint8Array = NO_BYTES;
  /** Set until the start of a text follower is decided. */
  #textStart: TextStart | undefined;
  #stopped = false;
  /** Ends the wait that is under way, if any. */
  #wake: (nothing?: undefined) => void = doNothing;
  #pieces: PieceReader | undefined;

  constructor({ store, from, sink, text, limits, offset }: FollowerParts) {
    this.#sink = sink;
    this.#text = text;
    this.#budgetBytes = limits.followerBudgetBytes;
    this.#readBytes = limits.readBytes;
    this.#from = from;
    this.#channel = from.source;
    this.#store = store;
    this.offset = offset;
  }

  /**
   * Sends every byte from the offset on, exactly once, until the channel has ended or {@link stop} is called.
   *
   * @throws {StreamError} if the store can no longer be read.
   */
  async run(): Promise<FollowEnd> {
    if (this.#text && this.offset > 0) await this.#findTextStart();
    while (!this.#stopped) {
      // Thousands of idle followers are suspended here, so this function must retain little.
      const ended = await this.#next();
      if (ended) return ended;
    }
    return "gone";
  }

  /** Finds where a text follower starts: text must not begin inside a character. */
  async #findTextStart(): Promise<void> {
    const pieces = new PieceReader(this.#stored(Math.max(0, this.offset - 3), this.offset), 3);
    let before = NO_BYTES;
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) before = join(before, piece);
    const start = new TextStart(before);
    if (start.open) this.#textStart = start;
  }

  /**
   * Starts the next step, and resolves with how the follow ended, if it did. No await may come between reading the tail
   * and joining there: this makes the join exact.
   */
  #next(): Promise<FollowEnd | undefined> | undefined {
    const channel = this.#channel;
    const tail = channel.outcome?.size ?? channel.broadcast.tail;
    const recent = this.offset < tail ? channel.broadcast.recent(this.offset) : undefined;
    if (recent && !this.#hasRoomFor(recent)) return this.#roomFor(recent.bytes);
    if (recent) {
      this.take(recent);
      return undefined;
    }
    if (this.offset < tail) return this.#catchUp(tail);
    if (channel.outcome) return this.#ended(channel.outcome.reason);
    if (this.#sink.pending > this.#lowWater) return this.#drained(this.#lowWater);
    return this.#live();
  }

  /** Handles the end of the channel: moves to the channel that continues it, or ends the follow. */
  async #ended(reason: EndReason): Promise<FollowEnd | undefined> {
    if (reason === "restarting" && (await this.#moveToNext())) return undefined;
    this.#flushText();
    return reason;
  }

  /** Moves to the channel that continues the append, if that has the same content and all bytes accepted so far. */
  async #moveToNext(): Promise<boolean> {
    const next = await this.#from.next?.();
    if (!next || next.size < this.offset || next.generation !== this.#channel.generation) return false;
    this.#channel = next;
    return true;
  }

  /** The size of what it follows. */
  get tail(): number {
    return this.#channel.size;
  }

  /** The final size of what it follows, if that is a stream that is known to be closed. */
  get finalSize(): number | undefined {
    return this.#channel.finalSize;
  }

  /** Ends the follow, since the connection has closed. */
  stop(): void {
    this.#stopped = true;
    this.#channel.broadcast.leave(this);
    this.#wake();
    this.#pieces?.cancel().catch(() => {});
  }

  /** Called by the broadcast for each chunk while live, and by {@link run} for a recent chunk. */
  take(live: LiveChunk): boolean {
    if (!this.#hasRoomFor(live)) {
      this.#wake();
      return false;
    }
    // The offset may be inside this chunk: the follower has read a part of the batch that was stored before the rest.
    const ahead = this.offset - (live.end - live.bytes.length);
    this.offset = Math.max(this.offset, live.end);
    if (ahead > 0) {
      this.#send(live.bytes.subarray(ahead));
    } else if (!this.#text) {
      this.#sink.send(live.binary);
    } else if (this.#carry.length === live.carryBefore.length && !this.#textStart) {
      this.#carry = live.carryAfter;
      if (live.text.bytes.length > 0) this.#sink.send(live.text);
    } else {
      this.#send(live.bytes);
    }
    return true;
  }

  /** Called by the broadcast when the channel has ended. */
  dismissed(): void {
    this.#wake();
  }

  /** Whether a chunk fits into the budget; a chunk that is alone always does. */
  #hasRoomFor({ bytes }: LiveChunk): boolean {
    const { pending } = this.#sink;
    return pending === 0 || pending + bytes.length <= this.#budgetBytes;
  }

  /** The low-water mark: pending bytes at which sending resumes. */
  get #lowWater(): number {
    return this.#budgetBytes / 2;
  }

  #live(): Promise<undefined> {
    return new Promise((wake) => {
      this.#wake = wake;
      this.#channel.broadcast.join(this);
    });
  }

  /** Bytes of the followed content; the stream errors if other content has replaced it. */
  #stored(from: number, to: number): ReadableStream<Uint8Array> {
    const { path, generation } = this.#channel;
    return this.#store.read(path, from, to, undefined, generation || undefined);
  }

  async #catchUp(tail: number): Promise<FollowEnd | undefined> {
    const { path } = this.#channel;
    const from = this.offset;
    const pieces = new PieceReader(this.#stored(from, tail), Math.min(this.#readBytes, tail - from));
    this.#pieces = pieces;
    try {
      let next = pieces.read();
      for (let piece = await next; piece; piece = await next) {
        await this.#roomFor(piece);
        if (this.#stopped) return undefined;
        // Read ahead: another thread reads the next piece while this thread sends the current one.
        next = pieces.read();
        this.offset += piece.length;
        // The carried bytes are prepended without copying the piece: it may be large, and cuts anywhere in the text.
        const whole = pieces.prefixed(piece, this.#carry);
        this.#carry = NO_BYTES;
        this.#send(whole, () => pieces.reuse(piece));
      }
      // The store ends before the tail; a retry would loop forever.
      if (this.offset === from && !this.#stopped) {
        throw new StreamError("changed", `The stored bytes of "/${path}" end at ${from}, before ${tail}.`, { path });
      }
      return undefined;
    } catch (error) {
      if (error instanceof StreamError && error.code === "replaced") return error.code;
      throw error;
    } finally {
      this.#pieces = undefined;
      await pieces.cancel().catch(() => {});
    }
  }

  /** Waits down to the low-water mark, so that resuming is rare; further down if the piece needs the room. */
  #roomFor({ length }: Uint8Array): Promise<undefined> {
    return this.#drained(Math.max(0, Math.min(this.#lowWater, this.#budgetBytes - length)));
  }

  /** Waits until at most `bytes` are pending, the connection has closed, or {@link stop} is called. */
  #drained(bytes: number): Promise<undefined> {
    return new Promise((wake) => {
      this.#wake = wake;
      void this.#sink.drained(bytes).then(() => wake(undefined));
    });
  }

  /** Sends bytes in a frame of their own; see {@link Frame.onFlushed}. */
  #send(bytes: Uint8Array, onFlushed?: () => void): void {
    const aligned = this.#textStart ? this.#align(this.#textStart, bytes) : bytes;
    const { whole, carry } = this.#text ? cutText(this.#carry, aligned) : { whole: aligned, carry: NO_BYTES };
    this.#carry = carry;
    if (whole.length > 0) this.#sink.send(new Frame(whole, this.#text, onFlushed));
  }

  #align(start: TextStart, bytes: Uint8Array): Uint8Array {
    const aligned = start.align(bytes);
    if (!start.open) this.#textStart = undefined;
    return aligned;
  }

  #flushText(): void {
    const rest = this.#textStart?.end() ?? this.#carry;
    if (rest.length === 0) return;
    this.#sink.send(new Frame(rest, true));
    this.#carry = NO_BYTES;
  }
}

function doNothing(): void {}
