/**
 * From one channel to the followers who stand at its tail: one loop a path, no promise, stream or timer a follower.
 * @module
 */
import { Frame } from "./frame.ts";
import { Recent, type RecentPool } from "./recent.ts";
import { cutText, NO_BYTES, type TextCut } from "./text.ts";

/** A stored batch, and the offset just past it. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** Somebody who is live: its offset is the tail. */
export interface Member {
  /** Takes what was appended. Returns false when it is too far behind and leaves the live set. */
  take(live: LiveChunk): boolean;
  /** The live set was dissolved: the channel has ended. */
  dismissed(): void;
}

/** A chunk on its way to the live set; each form of it is made when the first member asks for it. */
export class LiveChunk {
  readonly end: number;
  /** The bytes of an unfinished character that text followers at the tail had been waiting with. */
  readonly carryBefore: Uint8Array;
  readonly bytes: Uint8Array;
  #binary: Frame | undefined;
  #cut: TextCut | undefined;
  #text: Frame | undefined;

  /**
   * @param chunk What was stored.
   * @param carryBefore The carry at the tail before it.
   */
  constructor(chunk: Chunk, carryBefore: Uint8Array) {
    this.end = chunk.end;
    this.bytes = chunk.bytes;
    this.carryBefore = carryBefore;
  }

  /** All of it, for those who take any bytes. */
  get binary(): Frame {
    this.#binary ??= new Frame(this.bytes, false);
    return this.#binary;
  }

  /** What ends on a character boundary, for those who take text. May be empty. */
  get text(): Frame {
    this.#text ??= new Frame(this.#textCut.whole, true);
    return this.#text;
  }

  /** The carry at the tail after it. */
  get carryAfter(): Uint8Array {
    return this.#textCut.carry;
  }

  get #textCut(): TextCut {
    this.#cut ??= cutText(this.carryBefore, this.bytes);
    return this.#cut;
  }
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
    for (let next = await reader.read(); !next.done; next = await reader.read()) this.deliver(next.value);
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
