/**
 * How large a batch may be: the limit of the server, and what its store accepts.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import type { Store } from "../storage/store.ts";

/** A store, as far as it limits batches. */
type Accepting = Pick<Store, "maxBatchBytes" | "maxWholeBatchBytes">;

/** The sizes of the batches of one server. The store may know its own only once it is open. */
export class BatchSizes {
  readonly #store: Accepting;
  readonly #limits: Readonly<Pick<Limits, "batchBytes">>;

  constructor(store: Accepting, limits: Readonly<Pick<Limits, "batchBytes">>) {
    this.#store = store;
    this.#limits = limits;
  }

  /** Bytes of the largest batch that collects pieces. */
  get collected(): number {
    return Math.min(this.#limits.batchBytes, this.part);
  }

  /** Bytes of the largest batch without a change. */
  get part(): number {
    return this.#store.maxBatchBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes of the largest batch with a change, which is stored as a whole. */
  get whole(): number {
    return this.#store.maxWholeBatchBytes ?? this.part;
  }

  /** @throws {StreamError} `too_large` if a batch with a change has more bytes than the store accepts. */
  assertWhole(path: string, bytes: number): void {
    if (bytes <= this.whole) return;
    const message = `The store of "/${path}" stores at most ${this.whole} bytes at once, not ${bytes}. Send them in parts, or with "?verb=APPEND".`;
    throw new StreamError("too_large", message, { path });
  }

  /**
   * Checks that the limit of the server is not one that the store can't meet. The default adapts to the store.
   *
   * @throws {RangeError} if it is.
   */
  assertLimit(): void {
    const { batchBytes } = this.#limits;
    if (batchBytes <= this.part || batchBytes === DEFAULT_LIMITS.batchBytes) return;
    throw new RangeError(
      `limits.batchBytes is ${batchBytes}, but the store accepts at most ${this.part} bytes per batch. Set it to that or less.`,
    );
  }
}
