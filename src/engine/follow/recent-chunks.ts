/**
 * Chunks that were sent recently, kept while a follower lags: a follower that is slightly late shares what was built
 * for the live set, instead of reading the store.
 * @module
 */
import type { LiveChunk } from "./live-chunk.ts";

/**
 * The newest chunks of all paths of a server that have lagging followers, up to a limit; the oldest are dropped first.
 */
export class RecentPool {
  readonly #capBytes: number;
  readonly #owners = new Map<LiveChunk, RecentChunks>();
  #bytes = 0;

  /** @param capBytes Maximum number of bytes to keep, over all paths. */
  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  /** Adds a chunk of a path; drops the oldest chunks above the limit. */
  add(chunk: LiveChunk, owner: RecentChunks): void {
    this.#owners.set(chunk, owner);
    this.#bytes += chunk.bytes.length;
    for (const [oldest, recent] of this.#owners) {
      if (this.#bytes <= this.#capBytes) return;
      recent.drop(oldest);
      this.remove(oldest);
    }
  }

  /** Removes a chunk that was added. */
  remove(chunk: LiveChunk): void {
    this.#owners.delete(chunk);
    this.#bytes -= chunk.bytes.length;
  }
}

/** The newest chunks of one path. */
export class RecentChunks {
  readonly #pool: RecentPool;
  readonly #byStart = new Map<number, LiveChunk>();

  constructor(pool: RecentPool) {
    this.#pool = pool;
  }

  /** The chunk that begins at an offset, if it is still kept. */
  at(offset: number): LiveChunk | undefined {
    return this.#byStart.get(offset);
  }

  /** Adds a chunk. */
  keep(chunk: LiveChunk): void {
    this.#byStart.set(chunk.end - chunk.bytes.length, chunk);
    this.#pool.add(chunk, this);
  }

  /** Called by the pool when it drops a chunk. */
  drop(chunk: LiveChunk): void {
    this.#byStart.delete(chunk.end - chunk.bytes.length);
  }

  /** Removes all chunks. */
  clear(): void {
    for (const chunk of this.#byStart.values()) this.#pool.remove(chunk);
    this.#byStart.clear();
  }
}
