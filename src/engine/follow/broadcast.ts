/**
 * From one channel to the followers who stand at its tail: one loop a path, no promise, stream or timer a follower.
 * @module
 */

import { NO_BYTES } from "../../protocol/utf8.ts";
import { type Chunk, LiveChunk } from "./live-chunk.ts";
import { Recent, type RecentPool } from "./recent-chunks.ts";

/** Somebody who is live: its offset is the tail. */
export interface Member {
  /** Takes what was appended. Returns false when it is too far behind and leaves the live set. */
  take(live: LiveChunk): boolean;
  /** The live set was dissolved: the channel has ended. */
  dismissed(): void;
}

/** The live set of one path. */
export class Broadcast {
  /** The offset just past the last byte given to the live set. */
  tail: number;
  #carry: Uint8Array = NO_BYTES;
  readonly #members = new Set<Member>();
  /** Those who left because they were too slow, and have not come back. */
  readonly #lagging = new Set<Member>();
  readonly #recent: Recent;

  /**
   * @param tail The size of the path when the channel opened.
   * @param pool Where to keep what those share who lag a little.
   */
  constructor(tail: number, pool: RecentPool) {
    this.tail = tail;
    this.#recent = new Recent(pool);
  }

  /** How many are live. */
  get size(): number {
    return this.#members.size;
  }

  /** The unfinished character at the tail, as those see it who have followed as text from the channel's opening on. */
  get carry(): Uint8Array {
    return this.#carry;
  }

  /** Lets a member in whose offset is exactly {@link tail}. */
  join(member: Member): void {
    this.#members.add(member);
    this.#catchesUp(member);
  }

  /** Lets a member go. */
  leave(member: Member): void {
    this.#members.delete(member);
    this.#catchesUp(member);
  }

  /** What went out at an offset, for a member that lags by so little that it is still here. */
  recent(offset: number): LiveChunk | undefined {
    return this.#recent.at(offset);
  }

  /** Gives everything that comes out of a channel to the live set, until it ends. */
  async run(readable: ReadableStream<Chunk>): Promise<void> {
    const reader = readable.getReader();
    // In a function of its own, as one that waits keeps what it had.
    const take = (result: ReadableStreamReadResult<Chunk>): boolean => {
      if (result.done) return false;
      this.deliver(result.value);
      // Its promise waited for it, maybe long: what is old is collected seldom, and whatever it refers to no earlier.
      (result as { value: unknown }).value = undefined;
      return true;
    };
    while (await reader.read().then(take));
  }

  /** Moves the tail of an empty live set. */
  skipTo(tail: number): void {
    this.tail = tail;
    this.#carry = NO_BYTES;
  }

  /** Dissolves the live set. */
  dissolve(): void {
    const members = [...this.#members];
    this.#members.clear();
    this.#lagging.clear();
    this.#recent.clear();
    for (const member of members) member.dismissed();
  }

  /** Gives a chunk that begins at the {@link tail} to the live set. */
  deliver(chunk: Chunk): void {
    const live = new LiveChunk(chunk, this.#carry);
    this.tail = chunk.end;
    this.#carry = live.carryAfter;
    for (const member of this.#members) {
      if (member.take(live)) continue;
      this.#members.delete(member);
      this.#lagging.add(member);
    }
    if (this.#lagging.size > 0) this.#recent.keep(live);
  }

  #catchesUp(member: Member): void {
    if (this.#lagging.delete(member) && this.#lagging.size === 0) this.#recent.clear();
  }
}
