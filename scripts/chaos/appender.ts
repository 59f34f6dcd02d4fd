/**
 * The appender of the chaos test: the project's client with a source of known bytes.
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AppendOptions,
  type AppendState,
  type AppendStream,
  openAppend,
  type ResumePoint,
  StreamError,
} from "../../src/client/mod.ts";
import type { Content } from "./content.ts";
import type { Ledger } from "./ledger.ts";
import type { AppendPlan } from "./plan.ts";
import type { HostileProxy } from "./proxy.ts";

/** Milliseconds that a client retries without progress. Longer than any run keeps a client from making progress. */
export const RETRY_FOR_MS = 300_000;

/** The dependencies of an {@link Appender}. */
export interface AppenderParts {
  readonly path: string;
  readonly content: Content;
  readonly plan: AppendPlan;
  readonly proxy: HostileProxy;
  readonly graceMs: number;
  readonly ledger: Ledger;
  /** Whether every follower that has connected has received everything up to an offset. */
  isFollowedTo(offset: number): boolean;
}

/** The outcome of an append, as its appender sees it. */
export interface AppendResult {
  /** `vanished`: it stopped without an end. `expired`: it was disconnected for longer than the grace period. */
  readonly end: "complete" | "vanished" | "expired";
  /** How many bytes were acknowledged. */
  readonly acked: number;
  /** How many bytes were written to the client. */
  readonly written: number;
  /** The SHA-256 of the written bytes, in hex. */
  readonly sha256: string;
}

/** One append, from its first connection to its end. */
export class Appender {
  /** Its current state in words, for reports about a slow run. */
  state = "not begun";
  /** Resolves when the first connection is open, or the append has ended without one. */
  readonly opened: Promise<void>;
  readonly #parts: AppenderParts;
  readonly #hash: Hash = createHash("sha256");
  #hashed = 0;
  #acked = 0;
  #setOpened: () => void = () => {};

  constructor(parts: AppenderParts) {
    this.#parts = parts;
    this.opened = new Promise((resolve) => {
      this.#setOpened = resolve;
    });
  }

  /** How many bytes have been acknowledged so far. */
  get acked(): number {
    return this.#acked;
  }

  /**
   * Runs the append to its end.
   *
   * @throws {StreamError} if the append fails in a way that the guarantees do not allow.
   */
  async run(): Promise<AppendResult> {
    const { plan, proxy, graceMs } = this.#parts;
    try {
      return await this.#append(plan);
    } catch (error) {
      // Allowed only after the grace period, counted from the earliest moment at which the server can have noticed.
      const isGone = error instanceof StreamError && error.code === "gone";
      if (isGone && proxy.isAwayFor(graceMs)) return this.#result("expired");
      throw error;
    } finally {
      this.#setOpened();
    }
  }

  async #append({ fate, chunks, diesAfter, deadMs }: AppendPlan): Promise<AppendResult> {
    const dies = fate !== "complete";
    const life = new AbortController();
    const stream = await this.#open(life.signal);
    this.#setOpened();
    const at = await this.#write(stream, chunks.slice(0, dies ? diesAfter : chunks.length), 0);
    if (!dies) return await this.#finish(stream);
    const point = stream.resumePoint as ResumePoint;
    life.abort();
    if (fate === "vanishes") return this.#result("vanished");
    await sleep(deadMs);
    const { ledger } = this.#parts;
    ledger.count("appenders", "died and resumed");
    const resumed = await openAppend(this.#url, { ...this.#options(), resume: point });
    // Like a restarted program: from the resume point on, even if the server already has some of these bytes.
    await this.#writeBytes(resumed, point.offset, at);
    await this.#write(resumed, chunks.slice(diesAfter), at);
    return await this.#finish(resumed);
  }

  /**
   * Opens the append. The path may be held by an earlier attempt whose session message never arrived. That session ends
   * with its grace period, so a conflict is retried.
   */
  async #open(signal: AbortSignal): Promise<AppendStream> {
    const { plan, ledger } = this.#parts;
    const condition = plan.conditional ? { offset: 0 } : {};
    for (;;) {
      try {
        return await openAppend(this.#url, { ...this.#options(), ...condition, signal });
      } catch (error) {
        if (!(error instanceof StreamError && error.code === "conflict")) throw error;
        ledger.count("appenders", "found its path taken by an append of its own");
        await sleep(500);
      }
    }
  }

  async #write(stream: AppendStream, chunks: AppendPlan["chunks"], from: number): Promise<number> {
    let at = from;
    for (const { bytes, pauseMs } of chunks) {
      await this.#writeBytes(stream, at, at + bytes);
      at += bytes;
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return at;
  }

  async #writeBytes(stream: AppendStream, from: number, to: number): Promise<void> {
    const bytes = this.#parts.content.read(from, to);
    const unhashed = bytes.subarray(Math.max(0, this.#hashed - from));
    this.#hash.update(unhashed);
    this.#hashed = Math.max(this.#hashed, to);
    const writer = stream.getWriter();
    await writer.write(bytes);
    writer.releaseLock();
  }

  async #finish(stream: AppendStream): Promise<AppendResult> {
    const { plan, isFollowedTo } = this.#parts;
    const lateMs = performance.now() + plan.lingersMs;
    while (performance.now() < lateMs && !isFollowedTo(this.#hashed)) await sleep(50);
    // If the stream has failed meanwhile, only `closed` rejects with the reason, so it comes first.
    const writer = stream.getWriter();
    await Promise.all([writer.closed, writer.close()]);
    const { offset } = stream;
    if (offset !== this.#hashed) throw new Error(`the end was confirmed at ${offset}, and not at ${this.#hashed}`);
    return this.#result("complete");
  }

  #result(end: AppendResult["end"]): AppendResult {
    this.#parts.ledger.count("appends", end);
    return { end, acked: this.#acked, written: this.#hashed, sha256: this.#hash.copy().digest("hex") };
  }

  get #url(): string {
    return `${this.#parts.proxy.url}/${this.#parts.path}`;
  }

  #options(): AppendOptions {
    return {
      retryForMs: RETRY_FOR_MS,
      retryFirst: true,
      onState: (state) => this.#note(state),
      onAcked: ({ offset }) => {
        this.#acked = Math.max(this.#acked, offset);
      },
    };
  }

  #note(state: AppendState): void {
    this.state = describe(state);
    if (state.state === "open") this.#parts.proxy.gotThrough();
    if (state.state === "retrying") this.#parts.ledger.count("reconnects", "appenders");
  }
}

/** Describes a client's state in words. */
export function describe(state: { readonly state: string; readonly error?: StreamError }): string {
  return state.error ? `${state.state} after ${state.error.code}: ${state.error.message}` : state.state;
}
