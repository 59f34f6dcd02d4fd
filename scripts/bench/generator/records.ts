/**
 * The appended records: of one size, numbered, with a timestamp where latency is measured.
 *
 * They are ASCII without line breaks, so that they pass through text frames and event streams unchanged.
 * @module
 */

/** The format of the records of one measurement. */
export interface RecordSpec {
  /** The size of a record in bytes, at least {@link SMALLEST_RECORD}. */
  readonly bytes: number;
}

/** The number of digits of a record's number. */
export const NUMBER_DIGITS = 10;

/** The position of the timestamp in a record. */
const STAMP_AT = NUMBER_DIGITS + 1;

/** The number of digits of the timestamp in nanoseconds; enough for thirty years of uptime. */
const STAMP_DIGITS = 18;

/** The size of number and timestamp, with their separators, in bytes. */
export const SMALLEST_RECORD: number = STAMP_AT + STAMP_DIGITS + 1;

/** The maximum size of a {@link cycle}, in bytes. */
const CYCLE_BYTES = 8 * 1024 * 1024;

const ZERO = 0x30;
const SPACE = 0x20;

/** Returns the number of records in a cycle, after which records repeat, including their numbers. */
export function cycleRecords({ bytes }: RecordSpec): number {
  return Math.max(1, Math.floor(CYCLE_BYTES / bytes));
}

const cycles = new Map<number, Buffer>();

/** Returns the records of one cycle, concatenated. Floods append it repeatedly. */
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
  // The filling differs per record, so that shifted bytes are detected.
  let noise = (number * 2_654_435_761) >>> 0;
  for (let offset = SMALLEST_RECORD; offset < bytes; offset++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    into[at + offset] = 0x40 + (noise >>> 27);
  }
}

/** Reads the number of the record at a position. */
export function numberAt(bytes: Uint8Array, at: number): number {
  return digits(bytes, at, NUMBER_DIGITS);
}

/** Reads the timestamp of the record at a position, in nanoseconds. */
export function stampAt(bytes: Uint8Array, at: number): number {
  return digits(bytes, at + STAMP_AT, STAMP_DIGITS);
}

function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) value = value * 10 + ((bytes[index] as number) - ZERO);
  return value;
}
