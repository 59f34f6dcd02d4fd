/**
 * The lifetime of one append or follow.
 * @module
 */

/** A signal of our own that also aborts with the caller's, and lets go of it at the end. */
export class Scope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #follow = (): void => this.#controller.abort(this.#outer?.reason);

  /** @param outer The caller's signal. */
  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#follow();
    else outer?.addEventListener("abort", this.#follow, { once: true });
  }

  /** Aborts with the caller's, and by {@link abort}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends everything that belongs to it. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Lets go of the caller's signal, which may live for as long as the program. */
  end(): void {
    this.#outer?.removeEventListener("abort", this.#follow);
  }
}
