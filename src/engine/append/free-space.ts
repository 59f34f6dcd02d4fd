/**
 * Keeps free space on the disk of the store.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Limits } from "../limits.ts";
import type { Store } from "../storage/store.ts";

/** Milliseconds for which a measurement of the free space is used. */
const LOOK_MS = 1_000;

/** The free space of one store. */
export class FreeSpace {
  readonly #store: Store;
  readonly #minBytes: number;
  #look: Promise<number | undefined> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, { storeFreeBytes }: Readonly<Limits>) {
    this.#store = store;
    this.#minBytes = storeFreeBytes;
  }

  /** @throws {StreamError} `no_space` if the store has less free space than it must keep. */
  async assertRoom(path: string): Promise<void> {
    if (this.#minBytes === 0 || !this.#store.freeBytes) return;
    const nowMs = performance.now();
    if (!this.#look || nowMs - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = nowMs;
      // A failure to measure must not end appends.
      this.#look = this.#store.freeBytes().catch(() => undefined);
    }
    const free = await this.#look;
    if (free === undefined || free >= this.#minBytes) return;
    const message = `"/${path}" can't be appended to: the store has less free space than it must keep (storeFreeBytes). Remove something, or try again later.`;
    throw new StreamError("no_space", message, { path, headers: { "Retry-After": "30" } });
  }
}
