/**
 * When streams expire.
 *
 * A time to live counts from the last use, on the monotonic clock of this process: a step of the system's clock must
 * remove nothing. A stream that this process has not seen before gets all of its time. Only a fixed time of expiry is
 * compared with the system's clock.
 * @module
 */
import type { StreamRecords, StreamState } from "../storage/stream-state.ts";

/** Milliseconds between two checks for streams that have expired. */
const LOOK_MS = 1_000;

/** Fraction of the time to live (1/20): how often a use is recorded for other processes. */
const RENEWALS = 20;

/** A stream that lives for a limited time. */
interface Life {
  /** Undefined for a stream that only has a fixed time of expiry. */
  readonly ttlMs: number | undefined;
  /** The fixed time, in milliseconds since 1970. */
  readonly expiresMs: number;
  /** On the clock of `performance.now()`. */
  untilMs: number;
  /** The note of a use that this process has seen last. */
  renewal: string | undefined;
  /** When this process noted a use for others. */
  renewedMs: number;
  /** How many readers use it now. */
  readers: number;
}

/** The lifetimes of one server's streams. */
export class Lifetimes {
  readonly #records: StreamRecords;
  readonly #onDue: (path: string) => void;
  readonly #lives = new Map<string, Life>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param onDue Called about once per second for each stream that may have expired. */
  constructor(records: StreamRecords, onDue: (path: string) => void) {
    this.#records = records;
    this.#onDue = onDue;
  }

  /** Whether a stream has expired. Its time begins with the first call. */
  async isOver(path: string, state: StreamState): Promise<boolean> {
    const { expiresAt } = state;
    if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) return true;
    const life = this.#lifeOf(path, state);
    if (!life) this.forget(path);
    if (life?.ttlMs === undefined || life.readers > 0 || performance.now() < life.untilMs) return false;
    // Another process may have used it since.
    const renewal = await this.#records.renewal?.(path);
    if (renewal === life.renewal) return performance.now() >= life.untilMs;
    life.renewal = renewal;
    life.untilMs = performance.now() + life.ttlMs;
    return false;
  }

  /** Notes that a stream is used now, which restarts its lifetime. */
  use(path: string, state: StreamState): void {
    const life = this.#lifeOf(path, state);
    if (life?.ttlMs === undefined) return;
    const nowMs = performance.now();
    life.untilMs = nowMs + life.ttlMs;
    if (nowMs - life.renewedMs < Math.max(LOOK_MS, life.ttlMs / RENEWALS)) return;
    life.renewedMs = nowMs;
    // If it can't be noted, other processes may find that it has expired.
    void this.#records.renew?.(path).catch(() => {});
  }

  /** Notes that a stream is used from now on, until the result is called. */
  hold(path: string, state: StreamState): () => void {
    this.use(path, state);
    const life = this.#lives.get(path);
    if (!life) return () => {};
    life.readers++;
    return () => {
      life.readers--;
      if (this.#lives.get(path) === life) this.use(path, state);
    };
  }

  /** Forgets a stream that does not exist any more. */
  forget(path: string): void {
    this.#lives.delete(path);
    if (this.#lives.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Forgets all streams. */
  stop(): void {
    this.#lives.clear();
    clearInterval(this.#timer);
  }

  #lifeOf(path: string, { ttlSeconds, expiresAt }: StreamState): Life | undefined {
    if (ttlSeconds === undefined && expiresAt === undefined) return undefined;
    const ttlMs = ttlSeconds === undefined ? undefined : ttlSeconds * 1_000;
    const known = this.#lives.get(path);
    if (known && known.ttlMs === ttlMs) return known;
    const life: Life = {
      ttlMs,
      expiresMs: expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
      untilMs: performance.now() + (ttlMs ?? 0),
      renewal: undefined,
      renewedMs: Number.NEGATIVE_INFINITY,
      readers: 0,
    };
    this.#lives.set(path, life);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    // Do not keep the process alive for this timer.
    (this.#timer as { unref?(): void }).unref?.();
    return life;
  }

  #look(): void {
    const nowMs = performance.now();
    for (const [path, life] of this.#lives) {
      if (life.readers > 0) {
        // Other processes must not find that it has expired.
        if (life.ttlMs !== undefined) this.use(path, { ttlSeconds: life.ttlMs / 1_000, created: true, producers: {} });
      } else if (Date.now() >= life.expiresMs || (life.ttlMs !== undefined && nowMs >= life.untilMs)) this.#onDue(path);
    }
  }
}
