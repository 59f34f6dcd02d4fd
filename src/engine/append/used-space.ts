/**
 * Keeps the bytes of all resources of a store below a limit.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Limits } from "../limits.ts";
import type { Store } from "../storage/store.ts";

/** Minimum milliseconds between two counts. */
const COUNT_MS = 1_000;

/** A count is repeated at most after this many times its duration, so that counting takes a twentieth of the time. */
const PAUSES = 20;

/** The bytes that one store has, as far as this process knows. */
export class UsedSpace {
  readonly #store: Store;
  readonly #maxBytes: number;
  readonly #isLimited: boolean;
  /** Undefined before the first count. */
  #counted: number | undefined;
  /** Bytes that were stored since the last count began. */
  #stored = 0;
  /** Bytes that will be stored, by path. */
  readonly #reserved = new Map<string, number>();
  #reservedBytes = 0;
  #counting: Promise<void> | undefined;
  #dueMs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, { storeBytes }: Readonly<Limits>) {
    this.#store = store;
    this.#isLimited = storeBytes > 0 && store.usedBytes !== undefined;
    this.#maxBytes = storeBytes;
  }

  /** @throws {StreamError} `no_space` if the store has as many bytes as it may have. */
  async assertRoom(path: string): Promise<void> {
    if (!this.#isLimited) return;
    if (!this.#counting && performance.now() >= this.#dueMs) this.#counting = this.#count();
    // Usually, an append need not wait for a count.
    if (this.#counted === undefined || this.#hasNoRoomFor(1)) await this.#counting;
    if (this.#hasNoRoomFor(1)) throw fullStore(path, this.#maxBytes);
  }

  /**
   * Reserves room for what is stored in several pieces and has a use only as a whole. Otherwise several of them could take all
   * of the room from each other, and none would have enough.
   *
   * @param path A path that has no reservation.
   * @returns Gives back what was not stored.
   * @throws {StreamError} `no_space` if there is not enough room.
   */
  reserve(path: string, bytes: number): () => void {
    if (!this.#isLimited) return () => {};
    if (this.#hasNoRoomFor(bytes)) throw fullStore(path, this.#maxBytes);
    this.#reserved.set(path, bytes);
    this.#reservedBytes += bytes;
    return () => {
      this.#reservedBytes -= this.#reserved.get(path) ?? 0;
      this.#reserved.delete(path);
    };
  }

  /**
   * Counts bytes that are about to be stored.
   *
   * @throws {StreamError} `no_space` if the store would have more bytes than it may have.
   */
  take(path: string, bytes: number): void {
    if (!this.#isLimited) return;
    const reserved = this.#reserved.get(path) ?? 0;
    const fromReserve = Math.min(reserved, bytes);
    if (this.#hasNoRoomFor(bytes - fromReserve)) throw fullStore(path, this.#maxBytes);
    if (fromReserve > 0) this.#reserved.set(path, reserved - fromReserve);
    this.#reservedBytes -= fromReserve;
    this.#stored += bytes;
  }

  /** A resource was removed: the next append that needs the room counts again. */
  removed(): void {
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  #hasNoRoomFor(bytes: number): boolean {
    return (this.#counted ?? 0) + this.#stored + this.#reservedBytes + bytes > this.#maxBytes;
  }

  async #count(): Promise<void> {
    const startedMs = performance.now();
    const before = this.#stored;
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      this.#counted = await this.#store.usedBytes?.();
      this.#stored -= before;
    } catch {
      // A failure to count must not end appends.
    }
    const nowMs = performance.now();
    // Unless a resource was removed meanwhile.
    if (this.#dueMs === Number.POSITIVE_INFINITY)
      this.#dueMs = nowMs + Math.max(COUNT_MS, PAUSES * (nowMs - startedMs));
    this.#counting = undefined;
  }
}

function fullStore(path: string, maxBytes: number): StreamError {
  const message = `"/${path}" can't be appended to: the resources of this server have as many bytes as they may have in all, ${maxBytes} (storeBytes). Remove something, or try again later.`;
  return new StreamError("no_space", message, { path, headers: { "Retry-After": "30" } });
}
