/** The appended records, numbered, in ASCII without line breaks, and the receivers that check them. @module */
import type { RecordableHistogram } from "node:perf_hooks";
import process from "node:process";
import type { Body } from "./connection.ts";

/** The digits of a record's number and of its timestamp, which suffice for thirty years of uptime. */
const NUMBER_DIGITS = 10;
const STAMP_AT = NUMBER_DIGITS + 1;
const STAMP_DIGITS = 18;
/** The size of number and timestamp with their separators, in bytes. */
const SMALLEST_RECORD = STAMP_AT + STAMP_DIGITS + 1;
/** The maximum size of a cycle, in bytes. */
const CYCLE_BYTES = 8 * 1024 * 1024;

/** Returns the time in nanoseconds. All processes of this machine share the clock. */
export function nowNs(): number {
  // Exact until the machine has been up for a hundred days.
  return Number(process.hrtime.bigint());
}

const cycles = new Map<number, Buffer>();

/** Returns a cycle of records of a size in bytes. Floods append it repeatedly, including the numbers. */
export function cycle(recordBytes: number): Buffer {
  const known = cycles.get(recordBytes);
  if (known) return known;
  const records = Math.max(1, Math.floor(CYCLE_BYTES / recordBytes));
  const made = Buffer.alloc(records * recordBytes);
  for (let number = 0; number < records; number++) writeRecord(made, number * recordBytes, recordBytes, number, 0);
  cycles.set(recordBytes, made);
  return made;
}

/** Writes one record of `recordBytes` bytes, with its number and its timestamp in nanoseconds. */
export function writeRecord(into: Buffer, at: number, recordBytes: number, number: number, stampNs: number): void {
  into.write(String(number).padStart(NUMBER_DIGITS, "0"), at, "latin1");
  into[at + NUMBER_DIGITS] = 0x20;
  into.write(String(stampNs).padStart(STAMP_DIGITS, "0"), at + STAMP_AT, "latin1");
  into[at + SMALLEST_RECORD - 1] = 0x20;
  // The filling differs from record to record, so that comparing detects shifted bytes.
  let noise = (number * 2_654_435_761) >>> 0;
  for (let offset = SMALLEST_RECORD; offset < recordBytes; offset++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    into[at + offset] = 0x40 + (noise >>> 27);
  }
}

function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) value = value * 10 + ((bytes[index] as number) - 0x30);
  return value;
}

/** Receives the bytes of one follower, counts them, and knows whether one was wrong. */
export interface Receiver extends Body {
  received: number;
  wrong: boolean;
}

/** The size of a sample and the bytes between two of them. To compare more would be most of the generator's work. */
const SAMPLE_BYTES = 64;
const SAMPLE_EVERY_BYTES = 64 * 1024;

/** Compares every byte with the cycle of records, or samples: lost or duplicate bytes shift all later ones. */
export function cycleReceiver(recordBytes: number, isExact: boolean): Receiver {
  const whole = cycle(recordBytes);
  /** The offset at which the next comparison is due. */
  let due = 0;
  const compare = (bytes: Buffer, from: number, to: number, offset: number): void => {
    for (let at = from, start = offset % whole.length; at < to; start = 0) {
      const size = Math.min(to - at, whole.length - start);
      if (whole.compare(bytes, at, at + size, start, start + size) !== 0) self.wrong = true;
      at += size;
    }
    if (!isExact) due = offset + SAMPLE_EVERY_BYTES;
  };
  const self: Receiver = {
    received: 0,
    wrong: false,
    feed(bytes, from, to) {
      if (self.received >= due) compare(bytes, from, isExact ? to : Math.min(to, from + SAMPLE_BYTES), self.received);
      self.received += to - from;
    },
  };
  return self;
}

/** Checks the number of every record, and adds its age in nanoseconds to a histogram, which receivers may share. */
export function stampedReceiver(recordBytes: number, ages?: RecordableHistogram): Receiver {
  let next = 0;
  /** The beginning of a record that arrives in pieces. */
  const half = Buffer.alloc(SMALLEST_RECORD);
  const keep = (bytes: Buffer, from: number, to: number, inside: number): void => {
    if (inside < SMALLEST_RECORD) bytes.copy(half, inside, from, to);
  };
  const look = (bytes: Buffer, at: number, now: number): void => {
    if (digits(bytes, at, NUMBER_DIGITS) !== next++) self.wrong = true;
    else ages?.record(Math.max(1, now - digits(bytes, at + STAMP_AT, STAMP_DIGITS)));
  };
  const self: Receiver = {
    received: 0,
    wrong: false,
    feed(bytes, from, to) {
      const now = ages ? nowNs() : 0;
      const inside = self.received % recordBytes;
      let at = from;
      self.received += to - from;
      if (inside > 0) {
        at = Math.min(to, from + recordBytes - inside);
        keep(bytes, from, at, inside);
        if (inside + at - from === recordBytes) look(half, 0, now);
      }
      for (; at + recordBytes <= to; at += recordBytes) look(bytes, at, now);
      if (at < to) keep(bytes, at, to, 0);
    },
  };
  return self;
}

/** Checks that the first data begins with a new record. That data counts as one byte, and later data is ignored. */
export function firstReceiver(): Receiver {
  // The follower starts to connect now, and may get a record of the last second.
  const oldestNs = nowNs() - 1e9;
  const self: Receiver = {
    received: 0,
    wrong: false,
    feed(bytes, from, to) {
      if (self.received > 0) return;
      self.received = 1;
      const stamp = digits(bytes, from + STAMP_AT, STAMP_DIGITS);
      self.wrong = to - from < SMALLEST_RECORD || stamp < oldestNs || stamp > nowNs();
    },
  };
  return self;
}
