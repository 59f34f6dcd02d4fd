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

/** Milliseconds for which a leader may not know what it has acknowledged, before it is asked to step down. */
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
  /** Whether the first message after the expected one is this one, or one that does not count, or another one. */
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
 * Stores a message. No single answer decides: a refusal may be about a message that is never stored, and a message without
 * an answer may be stored later. What counts is the first message after the expected one.
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
    // What is in the way does not count: the message can follow it at once.
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

  /** Tries to store it, and looks what has become of it if that fails. */
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

/** Watches whether the leader knows less than it has acknowledged. */
class Behind {
  readonly #calls: Calls;
  readonly #once: Once;
  #sinceMs: number | undefined;

  constructor(calls: Calls, once: Once) {
    this.#calls = calls;
    this.#once = once;
  }

  /** Whether the expected message has ended. Asks the leader to step down if it has not known it for some time. */
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
