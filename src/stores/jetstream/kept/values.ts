/**
 * Values under subjects, of which the server keeps the last one: sessions, notes, subscriptions, locks.
 * @module
 */
import { randomBytes } from "node:crypto";
import { headers } from "@nats-io/transport-node";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Calls } from "../connection/calls.ts";
import { eachLast } from "../connection/last-messages.ts";
import { storeOnce } from "../connection/store-once.ts";
import type { Leaders } from "../nodes/leaders.ts";

/** Random bytes of the id of a value. */
const ID_BYTES = 9;

/** Attempts at a change while others change the value at the same time. */
const ATTEMPTS = 100;

/** Milliseconds for which a value that was removed stays on record, as `null`. */
export const REMOVED_MS = 60_000;

/** A value that is on record. */
export interface Value<T> {
  /** The sequence of its message. */
  readonly seq: number;
  readonly value: T;
}

/** How a value is stored. */
export interface ValueTerms {
  /** The sequence of the value that it replaces; 0 if there is none. */
  readonly expected: number;
  /** Milliseconds after which the server removes it. Default: never. */
  readonly ttlMs?: number | undefined;
}

/** Stores values, as JSON. */
export class Values {
  readonly calls: Calls;
  readonly #stream: string;
  readonly #leaders: Leaders;
  readonly #giveUpMs: number;

  constructor(calls: Calls, leaders: Leaders, stream: string, giveUpMs: number) {
    this.calls = calls;
    this.#leaders = leaders;
    this.#stream = stream;
    this.#giveUpMs = giveUpMs;
  }

  /** Finds a value; undefined if there is none. @throws {StreamError} `changed` if it is not JSON; `unavailable`. */
  async find<T>(subject: string, path: string): Promise<Value<T> | undefined> {
    const found = await this.calls.last(this.#stream, subject, { path });
    return found && { seq: found.seq, value: parsed<T>(found.data, path) };
  }

  /** Stores a value, whatever is there. */
  async set(subject: string, path: string, value: unknown): Promise<void> {
    const payload = encoded(value);
    await this.calls.reach({ path, untilMs: this.#untilMs() }, () =>
      this.calls.write({ stream: this.#stream, subject, headers: headers(), payload }),
    );
  }

  /**
   * Stores a value in place of another one.
   *
   * @returns Its sequence; undefined if there is another one now.
   * @throws {StreamError} `unavailable` if that can't be found out; `no_space`, `denied`.
   */
  async replace(subject: string, path: string, value: unknown, terms: ValueTerms): Promise<number | undefined> {
    const { expected, ttlMs } = terms;
    const id = randomBytes(ID_BYTES).toString("base64url");
    const own = headers();
    own.set("I", id);
    const outcome = await storeOnce(this.calls, {
      write: { stream: this.#stream, subject, headers: own, payload: encoded(value), expected, ttlMs },
      path,
      untilMs: this.#untilMs(),
      mayVanish: true,
      judge: ({ header }) => (header.get("I") === id ? "mine" : "other"),
      stepDown: () => this.#leaders.stepDown(this.#stream),
    });
    return outcome.kind === "stored" ? outcome.seq : undefined;
  }

  /**
   * Changes a value. The function may be called again, if another node changes the value at the same time.
   *
   * @param change Returns the new value; undefined to leave it as it is, `null` to remove it.
   * @throws {StreamError} `unavailable`; errors of `change`.
   */
  async change<T>(
    subject: string,
    path: string,
    change: (found: T | undefined) => T | null | undefined,
  ): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const found = await this.find<T | null>(subject, path);
      const next = change(found?.value ?? undefined);
      if (next === undefined || (next === null && !found)) return;
      const terms = { expected: found?.seq ?? 0, ...(next === null && { ttlMs: REMOVED_MS }) };
      // Removing a value replaces it first, because another node may have changed it since it was read.
      if ((await this.replace(subject, path, next, terms)) !== undefined) return;
    }
    throw storeUnavailable(path);
  }

  /**
   * Removes the value of a subject.
   *
   * @param seq The sequence of the value; a later one stays. Default: any.
   */
  async drop(subject: string, path: string, seq?: number): Promise<void> {
    await this.calls.purge(this.#stream, subject, { path, ...(seq !== undefined && { before: seq + 1 }) });
  }

  /** All values of the subjects that a pattern matches. */
  async list<T>(subjects: string, path: string): Promise<T[]> {
    const values = new Map<string, T>();
    const stream = this.#stream;
    const asked = { ...this.#leaders.marks(stream), stream, subjects, path };
    await eachLast(this.calls, asked, ({ subject, data }) => values.set(subject, parsed<T>(data, path)));
    return [...values.values()];
  }

  #untilMs(): number {
    return performance.now() + this.#giveUpMs;
  }
}

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function parsed<T>(data: Uint8Array, path: string): T {
  try {
    return JSON.parse(new TextDecoder().decode(data)) as T;
  } catch (cause) {
    throw new StreamError("changed", `What is kept about "/${path}" can't be read.`, { path, cause });
  }
}
