/**
 * The time that a session without a connection is waited for. It is spent in slices, each on record before it is over:
 * servers that are killed again and again must not keep a path from everybody else for ever.
 * @module
 */
import { GRACE_SLICES } from "../append/taken.ts";

/** What a {@link Grace} works with. */
export interface GraceParts {
  /** The whole of it, in milliseconds. */
  readonly graceMs: number;
  /** Puts on record what will be left of it after the slice that begins. */
  record(leftMs: number): void;
  /** Called when it is over. */
  over(): void;
}

/** One session's grace. It is not running at first. */
export class Grace {
  readonly #parts: GraceParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #untilMs = 0;

  constructor(parts: GraceParts) {
    this.#parts = parts;
  }

  /** What is left of it, in milliseconds; nothing while it is not running. */
  get leftMs(): number | undefined {
    return this.#timer && Math.max(0, this.#untilMs - performance.now());
  }

  /** Begins anew. */
  begin(): void {
    this.#untilMs = performance.now() + this.#parts.graceMs;
    this.#next();
  }

  /** Goes on with what a server that has gone had left of it. */
  goOn(leftMs: number): void {
    this.#untilMs = performance.now() + Math.min(leftMs, this.#parts.graceMs);
    this.#spend();
  }

  /** Ends it, until it begins anew. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #spend(): void {
    const leftMs = this.#untilMs - performance.now();
    this.#parts.record(Math.max(0, leftMs - this.#sliceMs));
    this.#next();
  }

  #next(): void {
    this.stop();
    const dueMs = Math.max(0, Math.min(this.#sliceMs, this.#untilMs - performance.now()));
    this.#timer = setTimeout(() => {
      if (this.#untilMs > performance.now()) this.#spend();
      else this.#parts.over();
    }, dueMs);
  }

  get #sliceMs(): number {
    return this.#parts.graceMs / GRACE_SLICES;
  }
}
