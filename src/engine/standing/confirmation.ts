/**
 * Finds out whether content that seems to be gone is really gone, on a store whose answers may be stale.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { FollowEnd } from "../follow/follower.ts";
import type { Store } from "../storage/store.ts";

/** The result of a look, which a later look may contradict; see {@link Store.maxStaleMs}. */
export class Confirmation {
  readonly #store: Store;
  readonly #path: string;
  readonly #sinceMs: number = performance.now();
  #fate: FollowEnd | undefined;
  #hasBarrier = false;

  /**
   * @param store The store that was looked at.
   * @param path The path.
   */
  constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = path;
  }

  /**
   * Takes the result of a look. It is certain if the previous look had the same result, and a barrier was set between
   * the two; on a store without barriers, once enough time has passed.
   *
   * @returns Milliseconds after which the next look should come; undefined if the fate is certain.
   * @throws {StreamError} `storage`.
   */
  async check(fate: FollowEnd): Promise<number | undefined> {
    const { maxStaleMs } = this.#store;
    if (maxStaleMs === undefined) return undefined;
    const leftMs = this.#sinceMs + maxStaleMs - performance.now();
    if (fate === this.#fate && (this.#hasBarrier || leftMs <= 0)) return undefined;
    this.#fate = fate;
    this.#hasBarrier = await this.#setBarrier();
    return this.#hasBarrier ? 0 : Math.max(0, leftMs);
  }

  /** Sets a barrier, if the store has them and answers. */
  async #setBarrier(): Promise<boolean> {
    try {
      await this.#store.barrier?.(this.#path);
      return this.#store.barrier !== undefined;
    } catch (error) {
      if (error instanceof StreamError && error.code === "unavailable") return false;
      throw error;
    }
  }
}
