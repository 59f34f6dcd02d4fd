/**
 * A histogram of durations, with buckets that are at most 1.6 % wide.
 * @module
 */

/** The width of the finest bucket, in nanoseconds. */
const UNIT_NS = 128;

/** The number of buckets per doubling. */
const STEPS = 64;

/** A serializable histogram: bucket numbers and their counts. */
export type PackedHistogram = readonly (readonly [bucket: number, count: number])[];

/** Counts durations. */
export class Histogram {
  readonly #counts: number[] = [];
  #total = 0;

  /** The number of counted durations. */
  get total(): number {
    return this.#total;
  }

  /** Adds a duration in nanoseconds. */
  add(ns: number): void {
    const bucket = bucketOf(ns / UNIT_NS);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
  }

  /** Removes all durations. */
  clear(): void {
    this.#counts.length = 0;
    this.#total = 0;
  }

  /** Adds all durations of another histogram. */
  addAll(packed: PackedHistogram): void {
    for (const [bucket, count] of packed) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#total += count;
    }
  }

  /** The duration that `share` of all durations, from 0 to 1, do not exceed, in milliseconds; NaN if there are none. */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0 && this.#total > 0) return (middleOf(bucket) * UNIT_NS) / 1e6;
    }
    return Number.NaN;
  }

  /** Returns the histogram as serializable data. */
  pack(): PackedHistogram {
    const packed: [number, number][] = [];
    this.#counts.forEach((count, bucket) => {
      packed.push([bucket, count]);
    });
    return packed;
  }
}

function bucketOf(units: number): number {
  const whole = Math.max(0, Math.min(units, 0xffff_ffff)) >>> 0;
  if (whole < STEPS * 2) return whole;
  const doublings = 31 - Math.clz32(whole) - Math.log2(STEPS);
  return STEPS * doublings + Math.floor(whole / 2 ** doublings);
}

function middleOf(bucket: number): number {
  if (bucket < STEPS * 2) return bucket + 0.5;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (bucket - STEPS * doublings + 0.5) * 2 ** doublings;
}
