/**
 * Receivers of a follower's bytes, which count, check or measure. They copy nothing except parts of records that arrive
 * in two pieces.
 * @module
 */
import { nowNs } from "./clock.ts";
import type { Histogram } from "./histogram.ts";
import { cycle, cycleRecords, NUMBER_DIGITS, numberAt, type RecordSpec, SMALLEST_RECORD, stampAt } from "./records.ts";

/** Receives the bytes of one follower. */
export interface Receiver {
  /** The number of bytes so far. */
  readonly received: number;
  /** Whether an unexpected byte was found. */
  readonly wrong: boolean;
  /** Receives the bytes from `from` up to `to`, exclusive, which are overwritten after the call. */
  take(bytes: Buffer, from: number, to: number): void;
}

/** Bytes between two checks. Pieces may be as small as a record, and checking each would be most of the work. */
const LOOK_EVERY_BYTES = 4096;

/** Checks the number of a record at intervals: lost or duplicate bytes shift all later records. */
export class NumberedReceiver implements Receiver {
  received = 0;
  wrong = false;
  readonly #size: number;
  readonly #records: number;
  /** The offset at which the next check is due. */
  #due = 0;

  /** @param spec The records that are received. */
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

  /** @param spec The records that are received. */
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

/** Checks the number of every record, and records its age. */
export class StampedReceiver implements Receiver {
  received = 0;
  wrong = false;
  readonly #size: number;
  readonly #histogram: Histogram;
  #next = 0;
  #half: Buffer | undefined;

  /**
   * @param spec The records that are received.
   * @param histogram Counts their ages; shared with other receivers.
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
