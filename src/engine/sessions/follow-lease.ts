/**
 * What a follower holds on to: a path, over all the processes that have it one after the other.
 * @module
 */

import type { LeasedSource } from "../append/registry.ts";
import type { Followable } from "../follow/followable.ts";
import type { Source } from "../follow/follower.ts";

/** Something to follow, held until {@link leave} is called. */
export class FollowLease implements Source {
  readonly #seek: () => Promise<LeasedSource | undefined>;
  #held: LeasedSource;
  #isLeft = false;

  /**
   * @param held What there is now.
   * @param seek Finds what there is later.
   */
  constructor(held: LeasedSource, seek: () => Promise<LeasedSource | undefined>) {
    this.#held = held;
    this.#seek = seek;
  }

  get source(): Followable {
    return this.#held.source;
  }

  async next(): Promise<Followable | undefined> {
    // Where it can't be found, the follower may look for it itself.
    const held = await this.#seek().catch(() => undefined);
    if (this.#isLeft) held?.leave();
    if (this.#isLeft || !held) return undefined;
    this.#held.leave();
    this.#held = held;
    return held.source;
  }

  /** Lets it go. */
  leave(): void {
    this.#isLeft = true;
    this.#held.leave();
  }
}
