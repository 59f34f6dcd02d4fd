/**
 * A cache of the blocks of the path. Reads and the worker fill it.
 * @module
 */
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Source } from "./source.ts";

/** Maximum blocks in the cache. */
const MAX_BLOCKS = 48;

const NEWLINE = 10;

/** A block, from its first byte on. It may have fewer bytes than the path has there. */
export class Block {
  readonly #bytes = new Uint8Array(BLOCK_BYTES);
  readonly #from: number;
  readonly #starts: number[] = [];
  #length = 0;
  #scanned = 0;

  constructor(from: number) {
    this.#from = from;
  }

  /** The bytes so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** The offsets just past each newline, where lines begin. */
  get starts(): readonly number[] {
    let at = this.#bytes.indexOf(NEWLINE, this.#scanned);
    for (; at !== -1 && at < this.#length; at = this.#bytes.indexOf(NEWLINE, at + 1))
      this.#starts.push(this.#from + at + 1);
    this.#scanned = this.#length;
    return this.#starts;
  }

  /** Adds bytes at an offset. Drops bytes that would leave a gap. */
  put(offset: number, bytes: Uint8Array): void {
    const at = offset - this.#from;
    const skip = Math.max(0, this.#length - at);
    if (at > this.#length || skip >= bytes.length) return;
    const part = bytes.subarray(skip, Math.min(bytes.length, BLOCK_BYTES - at));
    this.#bytes.set(part, at + skip);
    this.#length = Math.max(this.#length, at + skip + part.length);
  }
}

/** The blocks that the page has at hand, up to 3 MiB. */
export class Blocks {
  readonly #source: Source;
  readonly #kept = new Map<number, Block>();
  readonly #reading = new Map<number, Promise<Block>>();
  /** Complete blocks without a newline: a search for one skips them. */
  readonly #blank = new Set<number>();
  /** The size of the path in bytes, as far as the page knows. */
  size = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** The number of blocks of the path. */
  get count(): number {
    return Math.ceil(this.size / BLOCK_BYTES);
  }

  /** A block from the cache; undefined if it has to be read. */
  at(block: number): Block | undefined {
    const kept = this.#kept.get(block);
    if (!kept || kept.length < this.#expected(block)) return undefined;
    this.#kept.delete(block);
    this.#kept.set(block, kept);
    return kept;
  }

  /** Returns a block from the cache, or reads it. */
  get(block: number): Block | Promise<Block> {
    const kept = this.at(block);
    if (kept) return kept;
    const reading = this.#reading.get(block) ?? this.#read(block).finally(() => this.#reading.delete(block));
    this.#reading.set(block, reading);
    return reading;
  }

  /** Whether a block is known to have no newline. */
  isBlank(block: number): boolean {
    return this.#blank.has(block);
  }

  /** Adds bytes that the worker has received. */
  put(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    this.size = Math.max(this.size, end);
    for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      const from = Math.max(offset, block * BLOCK_BYTES);
      this.#put(block, from, bytes.subarray(from - offset, (block + 1) * BLOCK_BYTES - offset));
    }
  }

  async #read(block: number): Promise<Block> {
    for (;;) {
      const first = block * BLOCK_BYTES;
      const from = first + (this.#kept.get(block)?.length ?? 0);
      const to = first + this.#expected(block);
      if (to === first) return new Block(first);
      if (to > from) this.#put(block, from, await this.#source.read(from, to));
      const kept = this.at(block);
      if (kept) {
        if (kept.length === BLOCK_BYTES && kept.starts.length === 0) this.#blank.add(block);
        return kept;
      }
    }
  }

  #put(block: number, offset: number, bytes: Uint8Array): void {
    let kept = this.#kept.get(block);
    if (!kept) {
      kept = new Block(block * BLOCK_BYTES);
      kept.put(offset, bytes);
      if (kept.length === 0) return;
      this.#kept.set(block, kept);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > MAX_BLOCKS && oldest !== undefined) this.#kept.delete(oldest);
      return;
    }
    kept.put(offset, bytes);
  }

  #expected(block: number): number {
    return Math.max(0, Math.min(BLOCK_BYTES, this.size - block * BLOCK_BYTES));
  }
}
