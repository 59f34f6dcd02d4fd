/**
 * The frames of one cycle of records, built in advance so that a flood costs the generator little.
 * @module
 */
import { BINARY, frameBytes, TEXT, writeFrame } from "./client-frames.ts";
import { cycle, cycleRecords, type RecordSpec } from "./records.ts";

const built = new Map<string, FrameCycle>();

/** Frames of the same size with one record each. */
export class FrameCycle {
  /** The number of frames in the cycle. */
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

  /** Returns the cached frames for a record size, as text or binary frames. */
  static of(spec: RecordSpec, text: boolean): FrameCycle {
    const key = `${spec.bytes} ${text}`;
    const known = built.get(key);
    if (known) return known;
    const made = new FrameCycle(spec, text ? TEXT : BINARY);
    built.set(key, made);
    return made;
  }

  /** Returns up to `wanted` frames from a record on, without crossing the end of the cycle. */
  slice(from: number, wanted: number): { bytes: Buffer; records: number } {
    const start = from % this.records;
    const records = Math.min(wanted, this.records - start);
    return { bytes: this.#bytes.subarray(start * this.#frameBytes, (start + records) * this.#frameBytes), records };
  }
}
