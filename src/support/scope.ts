/**
 * The lifetime of one append or follow.
 * @module
 */

/**
 * A signal of its own that also aborts with the caller's signal; {@link end} detaches from it.
 *
 * @example
 * ```ts
 * const scope = new Scope(options.signal);
 * await fetch(url, { signal: scope.signal }).finally(() => scope.end());
 * ```
 */
export class Scope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abortWithOuter = (): void => this.#controller.abort(this.#outer?.reason);

  /** @param outer The caller's signal, if any. */
  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#abortWithOuter();
    else outer?.addEventListener("abort", this.#abortWithOuter, { once: true });
  }

  /** Aborts when the caller's signal does, or on {@link abort}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts the signal, which ends everything that depends on it. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Detaches from the caller's signal, which may live as long as the program. */
  end(): void {
    this.#outer?.removeEventListener("abort", this.#abortWithOuter);
  }
}
