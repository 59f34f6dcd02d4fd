/**
 * How many deliveries run at a time.
 * @module
 */

/** A delivery that waits for its turn. */
interface Waiting {
  readonly failing: boolean;
  readonly start: () => void;
}

/**
 * A limited number of slots. Deliveries to receivers that have failed before use at most half of them, so that dead
 * receivers never hold up the others.
 */
export class Slots {
  readonly #max: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #failing = 0;

  /** @param max How many deliveries run at a time; at least 1. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Deliveries that run now. */
  get running(): number {
    return this.#running;
  }

  /**
   * Runs a task once there is a slot for it.
   *
   * @param failing Whether the receiver has failed before.
   */
  async run(failing: boolean, task: () => Promise<void>): Promise<void> {
    if (!this.#isFree(failing)) await new Promise<void>((start) => this.#waiting.push({ failing, start }));
    else this.#enter(failing);
    try {
      await task();
    } finally {
      this.#running--;
      if (failing) this.#failing--;
      this.#next();
    }
  }

  #isFree(failing: boolean): boolean {
    if (this.#running >= this.#max) return false;
    return !failing || this.#failing < Math.max(1, Math.floor(this.#max / 2));
  }

  #enter(failing: boolean): void {
    this.#running++;
    if (failing) this.#failing++;
  }

  #next(): void {
    const at = this.#waiting.findIndex(({ failing }) => this.#isFree(failing));
    const [next] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (!next) return;
    this.#enter(next.failing);
    next.start();
  }
}
