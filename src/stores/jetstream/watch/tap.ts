/**
 * The records of one path as the servers republish them. Some may be missing, which the chain of records shows.
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import { recordOf } from "../records/codec.ts";
import type { StoredRecord } from "../records/stored.ts";

/** Most bytes that wait for a slow reader. Beyond that they are dropped, and read from the store. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** The header with the sequence of a republished message. */
const SEQUENCE = "Nats-Sequence";

/** What a tap has for its reader. */
export interface Arrived {
  /** The records that have arrived. */
  readonly records: readonly StoredRecord[];
  /** Whether some may be missing. */
  readonly isGap: boolean;
  /** Whether nothing has arrived for some time. */
  readonly isQuiet: boolean;
}

/** The records of one path that have arrived and were not read yet. */
export class Tap {
  #records: StoredRecord[] = [];
  #bytes = 0;
  #isGap = false;
  #isQuiet = false;
  #wake: (() => void) | undefined;
  #arrivedMs: number = performance.now();
  /** How many looks in a row found nothing new. */
  #quietLooks = 0;

  /** Takes a republished message. */
  take(message: Msg): void {
    const { headers, data } = message;
    const record = recordOf(headers, Number(headers?.get(SEQUENCE)), data.length);
    this.#arrivedMs = performance.now();
    this.#quietLooks = 0;
    if (!record || this.#bytes + data.length > MAX_WAITING_BYTES) {
      this.lose();
      return;
    }
    this.#bytes += data.length;
    this.#records.push({ record, payload: data });
    this.#wake?.();
  }

  /** Notes that messages may be missing. What waits is dropped: the store has it. */
  lose(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#isGap = true;
    this.#wake?.();
  }

  /**
   * Notes that time has passed.
   *
   * @param quietMs Milliseconds without a message after which the reader looks at the store; more each time it finds nothing.
   * @param maxQuietMs The most milliseconds.
   */
  tick(quietMs: number, maxQuietMs: number): void {
    const waitMs = Math.min(maxQuietMs, quietMs * 2 ** this.#quietLooks);
    if (performance.now() - this.#arrivedMs < waitMs) return;
    this.#arrivedMs = performance.now();
    this.#quietLooks++;
    this.#isQuiet = true;
    this.#wake?.();
  }

  /** Makes the reader look at the path soon and often, because its owner is gone. */
  hurry(): void {
    this.#quietLooks = 0;
  }

  /** What has arrived; waits until something has. */
  async next(signal: AbortSignal): Promise<Arrived> {
    if (this.#records.length === 0 && !this.#isGap && !this.#isQuiet && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener("abort", done);
          this.#wake = undefined;
          resolve();
        };
        this.#wake = done;
        signal.addEventListener("abort", done);
      });
    }
    const arrived = { records: this.#records, isGap: this.#isGap, isQuiet: this.#isQuiet };
    this.#records = [];
    this.#bytes = 0;
    this.#isGap = false;
    this.#isQuiet = false;
    return arrived;
  }
}
