/**
 * A follower's lease of a path, across all processes that append to it one after the other.
 * @module
 */

import type { LeasedSource } from "../append/registry.ts";
import type { Followable } from "../follow/followable.ts";
import type { Source } from "../follow/follower.ts";

/** A leased source, held until {@link leave} is called. */
export class FollowLease implements Source {
  readonly #seek: () => Promise<LeasedSource | undefined>;
  #held: LeasedSource;
  #isLeft = false;

  /**
   * @param held The current source.
   * @param seek Finds the source that comes next.
   */
  constructor(held: LeasedSource, seek: () => Promise<LeasedSource | undefined>) {
    this.#held = held;
    this.#seek = seek;
  }

  get source(): Followable {
    return this.#held.source;
  }

  async next(): Promise<Followable | undefined> {
    // If the lookup fails, the client may reconnect and find the append itself.
    const held = await this.#seek().catch(() => undefined);
    if (this.#isLeft) held?.leave();
    if (this.#isLeft || !held) return undefined;
    this.#held.leave();
    this.#held = held;
    return held.source;
  }

  /** Releases the lease. */
  leave(): void {
    this.#isLeft = true;
    this.#held.leave();
  }
}
