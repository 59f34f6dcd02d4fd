/**
 * What is done with the bytes that a follower receives: counting, checking, measuring. Nothing is copied but the halves
 * of a record that comes in two.
 * @module
 */
import { nowNs } from "./clock.ts";
import type { Histogram } from "./histogram.ts";
import { cycle, cycleRecords, NUMBER_DIGITS, numberAt, type RecordSpec, SMALLEST_RECORD, stampAt } from "./records.ts";

/** Takes the bytes of one follower. */
export interface Receiver {
  /** Bytes until now. */
  readonly received: number;
  /** Whether a byte was not the one that had to come. */
  readonly wrong: boolean;
  /** Takes the bytes `from` (inclusive) to `to` (exclusive), which are overwritten afterwards. */
  take(bytes: Buffer, from: number, to: number): void;
}

/** Bytes between two looks: pieces may be as small as a record, and to look at each of these would be most of the work. */
const LOOK_EVERY_BYTES = 4096;

/** Checks the number of a record now and then: what was lost or came twice has moved all that came behind it. */
export class NumberedReceiver implements Receiver {
  received = 0;
  wrong = false;
  readonly #size: number;
  readonly #records: number;
  /** Where the next look is due. */
  #due = 0;

  /** @param spec The records of the cycle that is received. */
  constructor(spec: RecordSpec) {
    this.#size = spec.bytes;
    this.#records = cycleRecords(spec);
  }

  take(bytes: Buffer, from: number, to: number): void {
    if (this.received >= this.#due) this.#look(bytes, from, to);
    this.received += to - from;
  }

  /** Checks the number of the first record that begins in a piece. */
  #look(bytes: Buffer, from: number, to: number): void {
    const size = this.#size;
    const record = Math.ceil(this.received / size);
    const at = from + record * size - this.received;
    if (at + NUMBER_DIGITS > to) return;
    if (numberAt(bytes, at) !== record % this.#records) this.wrong = true;
    this.#due = this.received + LOOK_EVERY_BYTES;
  }
}

/** Compares every byte. */
export class ExactReceiver implements Receiver {
  received = 0;
  wrong = false;
  readonly #cycle: Buffer;

  /** @param spec The records of the cycle that is received. */
  constructor(spec: RecordSpec) {
    this.#cycle = cycle(spec);
  }

  take(bytes: Buffer, from: number, to: number): void {
    const whole = this.#cycle;
    for (let at = from; at < to; ) {
      const start = this.received % whole.length;
      const size = Math.min(to - at, whole.length - start);
      if (whole.compare(bytes, at, at + size, start, start + size) !== 0) this.wrong = true;
      at += size;
      this.received += size;
    }
  }
}

/** Looks at every record: is it the next one, and how old is it? */
export class StampedReceiver implements Receiver {
  received = 0;
  wrong = false;
  readonly #size: number;
  readonly #histogram: Histogram;
  #next = 0;
  #half: Buffer | undefined;

  /**
   * @param spec The records.
   * @param histogram Where their ages are counted; shared with other receivers.
   */
  constructor(spec: RecordSpec, histogram: Histogram) {
    this.#size = spec.bytes;
    this.#histogram = histogram;
  }

  take(bytes: Buffer, from: number, to: number): void {
    const now = nowNs();
    const size = this.#size;
    let at = from;
    const inside = this.received % size;
    this.received += to - from;
    if (inside > 0) {
      const end = Math.min(to, at + size - inside);
      this.#keep(bytes, at, end, inside);
      at = end;
      if (inside + end - from === size) this.#look(this.#half as Buffer, 0, now);
    }
    for (; at + size <= to; at += size) this.#look(bytes, at, now);
    if (at < to) this.#keep(bytes, at, to, 0);
  }

  #keep(bytes: Buffer, from: number, to: number, inside: number): void {
    this.#half ??= Buffer.alloc(SMALLEST_RECORD);
    if (inside < SMALLEST_RECORD) bytes.copy(this.#half, inside, from, to);
  }

  #look(bytes: Buffer, at: number, now: number): void {
    if (numberAt(bytes, at) !== this.#next++) this.wrong = true;
    this.#histogram.add(now - stampAt(bytes, at));
  }
}
