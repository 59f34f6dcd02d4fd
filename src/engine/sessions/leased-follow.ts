/**
 * The follow of one append, from one process to the next, until it ends.
 * @module
 */
import type { Follow, FollowedContent, FollowListener } from "../follow/follow.ts";
import { type FollowEnd, Follower, type FollowerParts, type Sink, type Source } from "../follow/follower.ts";
import type { FollowLease } from "./follow-lease.ts";

/** The server, as far as a follow needs it. */
type LeasedFollowParts = Pick<FollowerParts, "store" | "limits">;

/** An append, or a substitute for one. */
type Lease = Pick<FollowLease, "source" | "leave"> & Source;

/** Follows a leased append. */
export class LeasedFollow implements Follow {
  readonly start: number;
  readonly #lease: Lease;
  readonly #parts: LeasedFollowParts;
  #follower: Follower | undefined;
  #isStopped = false;

  /**
   * @param lease The append; {@link leave} releases it.
   * @param start The offset of the first byte; at most the size.
   * @param parts The store and the limits of the server.
   */
  constructor(lease: Lease, start: number, parts: LeasedFollowParts) {
    this.#lease = lease;
    this.start = start;
    this.#parts = parts;
  }

  get content(): FollowedContent {
    const { size, generation, type } = this.#lease.source;
    return { size, generation, appending: true, ...(type === undefined ? {} : { type }) };
  }

  get offset(): number {
    return this.#follower?.offset ?? this.start;
  }

  run(sink: Sink, { text }: FollowListener): Promise<FollowEnd> {
    const { store, limits } = this.#parts;
    const follower = new Follower({ store, limits, from: this.#lease, sink, text, offset: this.start });
    this.#follower = follower;
    if (this.#isStopped) follower.stop();
    return follower.run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#follower?.stop();
  }

  leave(): void {
    this.#lease.leave();
  }
}
