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
  const { write, path, untilMs, judge } = once;
  const { stream, subject } = write;
  let { expected } = write;
  let isUnsure = false;
  const behind = new Behind(calls, once);
  for (let waitMs = RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
    const failure = await calls.write({ ...write, expected }).then(
      (seq) => ({ seq }),
      (error: unknown) => ({ error }),
    );
    if ("seq" in failure) return { kind: "stored", seq: failure.seq };
    const { error } = failure;
    const final = finalError(error, path);
    if (final) throw final;
    const found = await calls.next(stream, subject, expected + 1, { path, untilMs });
    const verdict = found && judge(found);
    if (found && verdict === "mine") return { kind: "stored", seq: found.seq };
    if (found && verdict === "other") return { kind: "other", found };
    if (found) {
      expected = found.seq;
      continue;
    }
    if (isFull(error) && !isUnsure) throw noSpace(path, error);
    if (!isWrongSequence(error)) isUnsure = true;
    else if (await behind.isGone(expected)) return { kind: "vanished" };
    if (performance.now() + waitMs > untilMs) throw lastError(error, path);
    await pause(waitMs);
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
