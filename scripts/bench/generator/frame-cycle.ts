/**
 * The frames of one cycle of records, built before they are needed: a flood costs its generator next to nothing.
 * @module
 */
import { BINARY, frameBytes, TEXT, writeFrame } from "./client-frames.ts";
import { cycle, cycleRecords, type RecordSpec } from "./records.ts";

const built = new Map<string, FrameCycle>();

/** Frames of one size, one record each. */
export class FrameCycle {
  /** How many there are before they repeat themselves. */
  readonly records: number;
  readonly #bytes: Buffer;
  readonly #frameBytes: number;

  private constructor(spec: RecordSpec, opcode: number) {
    const payload = cycle(spec);
    this.records = cycleRecords(spec);
    this.#frameBytes = frameBytes(spec.bytes);
    this.#bytes = Buffer.allocUnsafe(this.records * this.#frameBytes);
    for (let record = 0, at = 0; record < this.records; record++) {
      at = writeFrame(this.#bytes, at, opcode, payload.subarray(record * spec.bytes, (record + 1) * spec.bytes));
    }
  }

  /** Those of a record size, as text or binary frames. */
  static of(spec: RecordSpec, text: boolean): FrameCycle {
    const key = `${spec.bytes} ${text}`;
    const known = built.get(key);
    if (known) return known;
    const made = new FrameCycle(spec, text ? TEXT : BINARY);
    built.set(key, made);
    return made;
  }

  /** The frames from a record on, as many of the wanted ones as there are before the cycle begins again. */
  slice(from: number, wanted: number): { bytes: Buffer; records: number } {
    const start = from % this.records;
    const records = Math.min(wanted, this.records - start);
    return { bytes: this.#bytes.subarray(start * this.#frameBytes, (start + records) * this.#frameBytes), records };
  }
}
