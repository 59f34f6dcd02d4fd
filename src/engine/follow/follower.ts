/**
 * One follower of a channel: catches up from the store, joins at the exact tail, goes live, and falls back to the
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

/** Where a follower's bytes go: a connection with a small buffer of its own. */
export interface Sink {
  /** Bytes handed over that have not left yet. */
  readonly pending: number;
  /** Hands a frame over. Must not throw, also when the connection has gone. */
  send(frame: Frame): void;
  /** Resolves when at most `bytes` are pending, or the connection has gone. */
  drained(bytes: number): Promise<void>;
}

/** How a follow ended: as its channel did, or `gone` when the follower left. */
export type FollowEnd = EndReason | "gone";

/** Where a follow finds what it follows. */
export interface Source {
  /** What there is to follow now. */
  readonly source: Followable;
  /** Where it goes on in another process, or in this one; nothing when it does not, or nobody knows. */
  next?(): Promise<Followable | undefined>;
}

/** What a {@link Follower} works with. */
export interface FollowerParts {
  readonly store: Store;
  readonly from: Source;
  readonly sink: Sink;
  /** Whether it takes text, so that frames must end on character boundaries. */
  readonly text: boolean;
  readonly limits: Readonly<Limits>;
  /** Offset of the first byte to send; at most the channel's size. */
  readonly offset: number;
}

/** Follows one channel into one sink. Call {@link run} once; call {@link stop} when the connection has gone. */
export class Follower implements Member {
  /** The offset just past the last byte taken from the path; up to three bytes of it may wait in a text follower. */
  offset: number;
  // Each by itself: what is looked at for every chunk and every follower should be no further away than it has to.
  readonly #sink: Sink;
  readonly #text: boolean;
  readonly #budgetBytes: number;
  readonly #readBytes: number;
  readonly #from: Source;
  #channel: Followable;
  readonly #store: Store;
  #carry: Uint8Array = NO_BYTES;
  /** Set until it is decided where a text follower begins. */
  #textStart: TextStart | undefined;
  #stopped = false;
  #wake: ((nothing?: undefined) => void) | undefined;
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
   * Sends every byte from the offset on, once, until the channel has ended or {@link stop} is called.
   *
   * @throws {StreamError} when the store can't be read any more.
   */
  async run(): Promise<FollowEnd> {
    if (this.#text && this.offset > 0) await this.#lookBack();
    while (!this.#stopped) {
      // Here thousands of idle ones are suspended: what this function keeps meanwhile is to be little.
      const ended = await this.#next();
      if (ended) return ended;
    }
    return "gone";
  }

  /** Text must not begin inside a character. */
  async #lookBack(): Promise<void> {
    const pieces = new PieceReader(this.#stored(Math.max(0, this.offset - 3), this.offset), 3);
    let before = NO_BYTES;
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) before = join(before, piece);
    const start = new TextStart(before);
    if (start.open) this.#textStart = start;
  }

  /**
   * Begins what there is to do next. Results in how it ended, once it has. No await may be between looking at the tail and
   * joining there: that is what makes the joint exact.
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

  /** What is to follow on a channel that has ended goes on elsewhere, or has ended, too. */
  async #ended(reason: EndReason): Promise<FollowEnd | undefined> {
    if (reason === "restarting" && (await this.#goOn())) return undefined;
    this.#flushText();
    return reason;
  }

  /** Whether it goes on elsewhere, with everything that we have got already. */
  async #goOn(): Promise<boolean> {
    const next = await this.#from.next?.();
    if (!next || next.size < this.offset || next.generation !== this.#channel.generation) return false;
    this.#channel = next;
    return true;
  }

  /** Ends the follow: its connection has gone. */
  stop(): void {
    this.#stopped = true;
    this.#channel.broadcast.leave(this);
    this.#wake?.();
    this.#pieces?.cancel().catch(() => {});
  }

  /** Called by the broadcast for every chunk while live. */
  take(live: LiveChunk): boolean {
    if (!this.#hasRoomFor(live)) {
      this.#wake?.();
      return false;
    }
    // It may have begun inside this chunk: a part of a write that was stored before the rest, and so not yet given out.
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
    this.#wake?.();
  }

  /** Whether a chunk fits into the budget; one alone always does. */
  #hasRoomFor({ bytes }: LiveChunk): boolean {
    const { pending } = this.#sink;
    return pending === 0 || pending + bytes.length <= this.#budgetBytes;
  }

  /** Bytes pending at which it goes on. */
  get #lowWater(): number {
    return this.#budgetBytes / 2;
  }

  #live(): Promise<undefined> {
    return new Promise((wake) => {
      this.#wake = wake;
      this.#channel.broadcast.join(this);
    });
  }

  /** Bytes of the content that it follows, and of no other that may have taken its place. */
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
      while (!this.#stopped) {
        const piece = await next;
        // Asking again and again would be all that is left to do.
        if (!piece && this.offset === from && !this.#stopped) {
          throw new StreamError("changed", `The stored bytes of "/${path}" end at ${from}, before ${tail}.`, { path });
        }
        if (!piece) return undefined;
        await this.#roomFor(piece);
        if (this.#stopped) return undefined;
        // Read while this one is written: the one is done by another thread, the other by this one.
        next = pieces.read();
        this.offset += piece.length;
        // What waited goes in front of it without another copy: this may be much, and no text is cut where we would like it.
        const whole = pieces.prefixed(piece, this.#carry);
        this.#carry = NO_BYTES;
        this.#send(whole, () => pieces.reuse(piece));
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

  /** Waits until what is pending leaves room for more in the budget, and then some: going on costs something. */
  async #roomFor({ length }: Uint8Array): Promise<undefined> {
    return this.#drained(Math.max(0, Math.min(this.#lowWater, this.#budgetBytes - length)));
  }

  /** Waits for the connection, which may have stalled for good, or for {@link stop}. */
  async #drained(bytes: number): Promise<undefined> {
    if (this.#sink.pending <= bytes) return;
    await new Promise<void>((wake) => {
      this.#wake = wake;
      void this.#sink.drained(bytes).then(wake);
    });
    this.#wake = undefined;
  }

  /** Sends bytes in a frame of their own; `left` as {@link Frame} has it. */
  #send(bytes: Uint8Array, left?: () => void): void {
    const aligned = this.#textStart ? this.#align(this.#textStart, bytes) : bytes;
    const { whole, carry } = this.#text ? cutText(this.#carry, aligned) : { whole: aligned, carry: NO_BYTES };
    this.#carry = carry;
    if (whole.length > 0) this.#sink.send(new Frame(whole, this.#text, left));
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
