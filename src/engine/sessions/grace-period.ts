/**
 * The grace period for which a session without a connection is kept. The time left is recorded slice by slice, so that
 * servers that are killed repeatedly can't reserve a path forever.
 * @module
 */
import { GRACE_SLICES } from "../append/grace-left.ts";

/** The parts of a {@link Grace}. */
export interface GraceParts {
  /** The whole grace period, in milliseconds. */
  readonly graceMs: number;
  /** Records the milliseconds that will be left after the slice that begins. */
  record(leftMs: number): void;
  /** Called when the grace period has passed. */
  onExpired(): void;
}

/** The grace period of one session. It does not run at first. */
export class Grace {
  readonly #parts: GraceParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #untilMs = 0;

  constructor(parts: GraceParts) {
    this.#parts = parts;
  }

  /** Milliseconds left; undefined while it does not run. */
  get leftMs(): number | undefined {
    return this.#timer && Math.max(0, this.#untilMs - performance.now());
  }

  /** Starts the whole grace period. */
  begin(): void {
    this.#untilMs = performance.now() + this.#parts.graceMs;
    this.#next();
  }

  /** Continues a grace period of which a former server had `leftMs` milliseconds left. */
  resume(leftMs: number): void {
    this.#untilMs = performance.now() + Math.min(leftMs, this.#parts.graceMs);
    this.#beginSlice();
  }

  /** Stops it until it starts again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #beginSlice(): void {
    const leftMs = this.#untilMs - performance.now();
    this.#parts.record(Math.max(0, leftMs - this.#sliceMs));
    this.#next();
  }

  #next(): void {
    this.stop();
    const dueMs = Math.max(0, Math.min(this.#sliceMs, this.#untilMs - performance.now()));
    this.#timer = setTimeout(() => {
      if (this.#untilMs > performance.now()) this.#beginSlice();
      else this.#parts.onExpired();
    }, dueMs);
  }

  get #sliceMs(): number {
    return this.#parts.graceMs / GRACE_SLICES;
  }
}
