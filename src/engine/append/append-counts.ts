/**
 * Counts the open appends, in all and by the peers that opened them.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { peerGroup } from "../../support/peer-group.ts";
import type { Limits } from "../limits.ts";

/** The client that opens an append. */
export interface Opener {
  /** The digest of the session that the append resumes; it is never refused. */
  readonly session?: string | undefined;
  /** Whether it yields to other appenders; see {@link AppendPreconditions.enforcesStreamRules}. */
  readonly enforcesStreamRules?: boolean;
  /** The address of the client; undefined if it is unknown. */
  readonly peer?: string | undefined;
}

/** The open appends of one server, with the sessions in their grace period. */
export class AppendCounts {
  readonly #limits: Readonly<Limits>;
  /** Unknown peers share one entry, which has no limit. */
  readonly #byPeer = new Map<string | undefined, number>();
  #all = 0;

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
  }

  /**
   * Checks whether an append may be opened.
   *
   * @throws {StreamError} `overloaded` if there are too many, `too_many` if its peer has too many.
   */
  assertRoom({ session, peer: address }: Opener): void {
    if (session !== undefined) return;
    const { appends, peerAppends } = this.#limits;
    const headers = { "Retry-After": "1" };
    if (appends > 0 && this.#all >= appends) {
      const message = `The server has ${appends} open appends, which is its limit (appends). Try again in a moment.`;
      throw new StreamError("overloaded", message, { headers });
    }
    const peer = groupOf(address);
    if (peer === undefined || peerAppends === 0 || this.#of(peer) < peerAppends) return;
    const message = `${peer} has ${peerAppends} open appends, which is the limit for one address (peerAppends). End one of them, or try again in a moment.`;
    throw new StreamError("too_many", message, { headers });
  }

  /**
   * Counts an append. Call the result once, when it has ended.
   *
   * @throws {StreamError} as {@link assertRoom}.
   */
  enter(opener: Opener): () => void {
    this.assertRoom(opener);
    const peer = groupOf(opener.peer);
    this.#all++;
    this.#byPeer.set(peer, this.#of(peer) + 1);
    return () => {
      this.#all--;
      this.#forget(peer);
    };
  }

  #of(peer: string | undefined): number {
    return this.#byPeer.get(peer) ?? 0;
  }

  #forget(peer: string | undefined): void {
    const left = this.#of(peer) - 1;
    if (left > 0) this.#byPeer.set(peer, left);
    else this.#byPeer.delete(peer);
  }
}

function groupOf(peer: string | undefined): string | undefined {
  return peer === undefined ? undefined : peerGroup(peer);
}
