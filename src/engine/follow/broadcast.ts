/**
 * Delivers a channel's chunks to the followers at its tail: one loop per path; no promise, stream or timer per
 * follower.
 * @module
 */

import { NO_BYTES } from "../../protocol/utf8.ts";
import { type Chunk, LiveChunk } from "./live-chunk.ts";
import { RecentChunks, type RecentPool } from "./recent-chunks.ts";

/** A live follower: its offset is the tail. */
export interface Member {
  /** Accepts a chunk. Returns false if it is too far behind, which removes it from the live set. */
  take(live: LiveChunk): boolean;
  /** The channel has ended, and the live set is dissolved. */
  dismissed(): void;
}

/** The live set of one path. */
export class Broadcast {
  /** The offset just past the last byte delivered to the live set. */
  tail: number;
  #carry: Uint8Array = NO_BYTES;
  readonly #members = new Set<Member>();
  /** Members that left because they were too slow and have not rejoined. */
  readonly #lagging = new Set<Member>();
  readonly #recent: RecentChunks;

  /**
   * @param tail The size of the path when the channel opened.
   * @param pool Keeps recent chunks for lagging members.
   */
  constructor(tail: number, pool: RecentPool) {
    this.tail = tail;
    this.#recent = new RecentChunks(pool);
  }

  /** The number of live members. */
  get size(): number {
    return this.#members.size;
  }

  /** The unfinished character at the tail, for members that have received text since the channel opened. */
  get carry(): Uint8Array {
    return this.#carry;
  }

  /** Adds a member whose offset is exactly {@link tail}. */
  join(member: Member): void {
    this.#members.add(member);
    this.#caughtUp(member);
  }

  /** Removes a member. */
  leave(member: Member): void {
    this.#members.delete(member);
    this.#caughtUp(member);
  }

  /** The recent chunk that begins at an offset, if it is still kept; for members that lag a little. */
  recent(offset: number): LiveChunk | undefined {
    return this.#recent.at(offset);
  }

  /** Delivers all chunks of a channel to the live set, until the channel ends. */
  async run(readable: ReadableStream<Chunk>): Promise<void> {
    const reader = readable.getReader();
    // Not inline: the loop would retain the last chunk while it awaits the next one.
    const take = (result: ReadableStreamReadResult<Chunk>): boolean => {
      if (result.done) return false;
      this.deliver(result.value);
      // Drop the reference: the old-generation promise would retain the chunk until a major GC.
      (result as { value: unknown }).value = undefined;
      return true;
    };
    while (await reader.read().then(take));
  }

  /** Moves the tail while the live set is empty. */
  skipTo(tail: number): void {
    this.tail = tail;
    this.#carry = NO_BYTES;
  }

  /** Dismisses all members, and drops the recent chunks. */
  dissolve(): void {
    const members = [...this.#members];
    this.#members.clear();
    this.#lagging.clear();
    this.#recent.clear();
    for (const member of members) member.dismissed();
  }

  /** Delivers a chunk that begins at the {@link tail} to the live set. */
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

  #caughtUp(member: Member): void {
    if (this.#lagging.delete(member) && this.#lagging.size === 0) this.#recent.clear();
  }
}
