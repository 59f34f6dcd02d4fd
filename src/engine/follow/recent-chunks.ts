/**
 * What went out last, kept while somebody lags behind it: who is a little late shares what was built for the live set,
 * instead of reading it from the store for itself.
 * @module
 */
import type { LiveChunk } from "./live-chunk.ts";

/** The newest chunks of all paths of a server that have somebody lagging, up to a limit; the oldest go first. */
export class RecentPool {
  readonly #capBytes: number;
  readonly #owners = new Map<LiveChunk, Recent>();
  #bytes = 0;

  /** @param capBytes Most bytes kept, over all paths. */
  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  /** Keeps a chunk of a path. */
  add(chunk: LiveChunk, owner: Recent): void {
    this.#owners.set(chunk, owner);
    this.#bytes += chunk.bytes.length;
    for (const [oldest, its] of this.#owners) {
      if (this.#bytes <= this.#capBytes) return;
      its.drop(oldest);
      this.remove(oldest);
    }
  }

  /** Lets a chunk go. */
  remove(chunk: LiveChunk): void {
    if (this.#owners.delete(chunk)) this.#bytes -= chunk.bytes.length;
  }
}

/** The newest chunks of one path. */
export class Recent {
  readonly #pool: RecentPool;
  readonly #byStart = new Map<number, LiveChunk>();

  constructor(pool: RecentPool) {
    this.#pool = pool;
  }

  /** The chunk that begins at an offset, if it is still here. */
  at(offset: number): LiveChunk | undefined {
    return this.#byStart.get(offset);
  }

  /** Keeps a chunk. */
  keep(chunk: LiveChunk): void {
    this.#byStart.set(chunk.end - chunk.bytes.length, chunk);
    this.#pool.add(chunk, this);
  }

  /** Called by the pool when there is no room for a chunk any more. */
  drop(chunk: LiveChunk): void {
    this.#byStart.delete(chunk.end - chunk.bytes.length);
  }

  /** Lets go of everything. */
  clear(): void {
    for (const chunk of this.#byStart.values()) this.#pool.remove(chunk);
    this.#byStart.clear();
  }
}
