/**
 * The follower of the chaos test: the project's client, whose bytes are compared with what was appended.
 * @module
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type FollowEnd, type FollowState, follow } from "../../src/client/mod.ts";
import { describe, RETRY_FOR_MS } from "./appender.ts";
import type { Content } from "./content.ts";
import type { Ledger } from "./ledger.ts";
import type { FollowPlan } from "./plan.ts";
import type { HostileProxy } from "./proxy.ts";

/** The dependencies of a {@link Follower}. */
export interface FollowerParts {
  readonly path: string;
  readonly content: Content;
  readonly plan: FollowPlan;
  readonly proxy: HostileProxy;
  readonly ledger: Ledger;
}

/** What a follower received. */
export interface FollowResult {
  /** The offset of its first byte. */
  readonly from: number;
  /** The offset just past its last byte. */
  readonly to: number;
  /** The SHA-256 of the bytes between, in hex. */
  readonly sha256: string;
  /** The offset of the first wrong byte, or undefined if all bytes are right. */
  readonly wrongAt: number | undefined;
  readonly end: FollowEnd;
}

/** One follower, across all its restarts. */
export class Follower {
  /** Its current state in words, for reports about a slow run. */
  state = "not begun";
  readonly #parts: FollowerParts;
  readonly #hash = createHash("sha256");
  readonly #from: number;
  #at: number;
  #wrongAt: number | undefined;

  /** @param from The offset at which it begins. */
  constructor(parts: FollowerParts, from: number) {
    this.#parts = parts;
    this.#from = this.#at = from;
  }

  /** The offset just past the last byte that it has received. */
  get at(): number {
    return this.#at;
  }

  /**
   * Follows the path to its end.
   *
   * @throws {StreamError} if the follow fails in a way that the guarantees do not allow.
   */
  async run(): Promise<FollowResult> {
    const lives = [...this.#parts.plan.restarts, Number.POSITIVE_INFINITY];
    for (const max of lives) {
      const end = await this.#live(max);
      if (!end) continue;
      this.#parts.ledger.count("follows", end.reason);
      const { offset } = end;
      if (offset !== this.#at) throw new Error(`the server reported the end at ${offset}, after byte ${this.#at}`);
      const sha256 = this.#hash.digest("hex");
      return { from: this.#from, to: this.#at, sha256, wrongAt: this.#wrongAt, end };
    }
    throw new Error("unreachable: its last life is endless");
  }

  /** Follows until the end, or until it has received `most` bytes; it then leaves and resolves with undefined. */
  async #live(max: number): Promise<FollowEnd | undefined> {
    const { path, plan, proxy, ledger } = this.#parts;
    const { transport, pauseMs } = plan;
    const until = this.#at + max;
    const stream = follow(`${proxy.url}/${path}`, {
      offset: this.#at,
      transport,
      retryForMs: RETRY_FOR_MS,
      retryFirst: true,
      onState: (state) => this.#note(state),
    });
    for await (const bytes of stream) {
      this.#take(bytes);
      if (this.#at >= until) {
        ledger.count("followers", "left and came back");
        return undefined;
      }
      if (pauseMs > 0 && !proxy.isCalm) await sleep(pauseMs);
    }
    return await stream.ended;
  }

  #take(bytes: Uint8Array): void {
    this.#wrongAt ??= this.#parts.content.difference(bytes, this.#at);
    this.#hash.update(bytes);
    this.#at += bytes.length;
    this.#parts.ledger.count("bytes", "followed", bytes.length);
  }

  #note(state: FollowState): void {
    this.state = `${describe(state)}, at ${this.#at}`;
    if (state.state === "retrying") this.#parts.ledger.count("reconnects", "followers");
  }
}
