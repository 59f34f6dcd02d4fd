/**
 * What is appended: records of one size, numbered, with the moment of their making where latency is measured.
 *
 * Plain ASCII without line ends, so that it passes through text frames and event streams as it is.
 * @module
 */

/** What the records of one measurement look like. */
export interface RecordSpec {
  /** Bytes of a record, at least {@link SMALLEST_RECORD}. */
  readonly bytes: number;
}

/** Digits of a record's number. */
export const NUMBER_DIGITS = 10;

/** Where the moment of its making begins. */
const STAMP_AT = NUMBER_DIGITS + 1;

/** Digits of that moment, in nanoseconds: enough for a machine that has been up for thirty years. */
const STAMP_DIGITS = 18;

/** Bytes that number and moment take. */
export const SMALLEST_RECORD: number = STAMP_AT + STAMP_DIGITS + 1;

/** Bytes of one {@link cycle}, at most. */
const CYCLE_BYTES = 8 * 1024 * 1024;

const ZERO = 0x30;
const SPACE = 0x20;

/** How many records there are before the whole repeats itself, number included. */
export function cycleRecords({ bytes }: RecordSpec): number {
  return Math.max(1, Math.floor(CYCLE_BYTES / bytes));
}

const cycles = new Map<number, Buffer>();

/** The records of one cycle, one behind the other. What is appended in a flood is this, again and again. */
export function cycle(spec: RecordSpec): Buffer {
  const known = cycles.get(spec.bytes);
  if (known) return known;
  const records = cycleRecords(spec);
  const made = Buffer.alloc(records * spec.bytes);
  for (let record = 0; record < records; record++) {
    writeRecord(made, record * spec.bytes, spec, record, 0);
  }
  cycles.set(spec.bytes, made);
  return made;
}

/** Writes one record. */
export function writeRecord(into: Buffer, at: number, { bytes }: RecordSpec, number: number, stampNs: number): void {
  into.write(String(number).padStart(NUMBER_DIGITS, "0"), at, "latin1");
  into[at + NUMBER_DIGITS] = SPACE;
  into.write(String(stampNs).padStart(STAMP_DIGITS, "0"), at + STAMP_AT, "latin1");
  into[at + SMALLEST_RECORD - 1] = SPACE;
  // A different filling for each record: bytes that moved are seen.
  let noise = (number * 2_654_435_761) >>> 0;
  for (let offset = SMALLEST_RECORD; offset < bytes; offset++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    into[at + offset] = 0x40 + (noise >>> 27);
  }
}

/** The number of the record that begins here. */
export function numberAt(bytes: Uint8Array, at: number): number {
  return digits(bytes, at, NUMBER_DIGITS);
}

/** The moment, in nanoseconds, when the record that begins here was made. */
export function stampAt(bytes: Uint8Array, at: number): number {
  return digits(bytes, at + STAMP_AT, STAMP_DIGITS);
}

function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) value = value * 10 + ((bytes[index] as number) - ZERO);
  return value;
}
