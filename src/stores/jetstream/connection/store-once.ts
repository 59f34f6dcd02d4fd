/**
 * Stores one message behind the last one of its subject, and finds out whether it is stored.
 * @module
 */
import type { StoredMsg } from "@nats-io/jetstream";
import type { Calls, Write } from "./calls.ts";
import { finalError, isFull, isWrongSequence, lastError, noSpace } from "./failures.ts";
import { pause } from "./pause.ts";

/** Milliseconds before the second attempt; twice as many before each further one, up to the maximum. */
const RETRY_MS = 20;
const MAX_RETRY_MS = 250;

/** Milliseconds for which a leader may lack what it has acknowledged before it is asked to step down. */
const BEHIND_MS = 3_000;

/** What to store. */
export interface Once {
  readonly write: Write & { readonly expected: number };
  /** The path that it is about, for messages. */
  readonly path: string;
  /** When to give up, on the clock of `performance.now()`. */
  readonly untilMs: number;
  /** Whether the expected last message may end by its time to live. Default false. */
  readonly mayVanish?: boolean;
  /**
   * Judges the first message after the expected one: `mine` is this message, `void` does not count, `other` is any
   * other.
   */
  judge(found: StoredMsg): "mine" | "void" | "other";
  /** Asks the leader of the stream to step down. */
  stepDown(): Promise<void>;
}

/** `vanished`: the expected message is not there any more, so nothing was stored. */
export type OnceOutcome =
  | { readonly kind: "stored"; readonly seq: number }
  | { readonly kind: "other"; readonly found: StoredMsg }
  | { readonly kind: "vanished" };

/**
 * Stores a message. No single answer tells whether it is stored: a refusal may be caused by a message that is never
 * stored, and a message without an answer may be stored later. The first message after the expected one decides.
 *
 * @throws {StreamError} `unavailable` if that can't be found out in time: the message may be stored now, later or never.
 * `no_space`, `denied`: it is not stored.
 */
export async function storeOnce(calls: Calls, once: Once): Promise<OnceOutcome> {
  const attempts = new Attempts(calls, once);
  for (let waitMs = RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
    const outcome = await attempts.next();
    if (outcome.kind !== "unknown") return outcome;
    if (performance.now() + waitMs > once.untilMs) throw lastError(outcome.error, once.path);
    calls.counts.retries++;
    // The message in the way is void: this one can follow it at once.
    if (!outcome.isBehindVoid) await pause(waitMs);
  }
}

type Unknown = { readonly kind: "unknown"; readonly error: unknown; readonly isBehindVoid?: boolean };

/** Attempts at storing one message. */
class Attempts {
  readonly #calls: Calls;
  readonly #once: Once;
  readonly #behind: Behind;
  #expected: number;
  /** Whether an attempt had no answer: it may be stored later. */
  #isUnsure = false;

  constructor(calls: Calls, once: Once) {
    this.#calls = calls;
    this.#once = once;
    this.#behind = new Behind(calls, once);
    this.#expected = once.write.expected;
  }

  /** Tries to store the message. If that fails, finds out whether it is stored. */
  async next(): Promise<OnceOutcome | Unknown> {
    const { write, path } = this.#once;
    try {
      return { kind: "stored", seq: await this.#calls.write({ ...write, expected: this.#expected }) };
    } catch (error) {
      const final = finalError(error, path);
      if (final) throw final;
      return await this.#lookAfter(error);
    }
  }

  async #lookAfter(error: unknown): Promise<OnceOutcome | Unknown> {
    const { write, path, untilMs, judge } = this.#once;
    const found = await this.#calls.next(write.stream, write.subject, this.#expected + 1, { path, untilMs });
    if (found) {
      const verdict = judge(found);
      if (verdict === "mine") return { kind: "stored", seq: found.seq };
      if (verdict === "other") return { kind: "other", found };
      this.#expected = found.seq;
      return { kind: "unknown", error, isBehindVoid: true };
    }
    if (isFull(error) && !this.#isUnsure) throw noSpace(path, error);
    if (!isWrongSequence(error)) this.#isUnsure = true;
    else if (await this.#behind.isGone(this.#expected)) return { kind: "vanished" };
    return { kind: "unknown", error };
  }
}

/** Watches whether the leader has lost messages that it has acknowledged. */
class Behind {
  readonly #calls: Calls;
  readonly #once: Once;
  #sinceMs: number | undefined;

  constructor(calls: Calls, once: Once) {
    this.#calls = calls;
    this.#once = once;
  }

  /**
   * Whether the expected message has expired. Asks the leader to step down if it has lacked the message for some time.
   */
  async isGone(expected: number): Promise<boolean> {
    const { write, path, untilMs, mayVanish = false, stepDown } = this.#once;
    const last = await this.#calls.last(write.stream, write.subject, { path, untilMs });
    if ((last?.seq ?? 0) >= expected) {
      this.#sinceMs = undefined;
      return false;
    }
    if (!last && mayVanish) return true;
    this.#sinceMs ??= performance.now();
    if (performance.now() - this.#sinceMs > BEHIND_MS) await stepDown();
    return false;
  }
}
