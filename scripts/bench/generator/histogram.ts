/**
 * Latencies, counted in buckets that are at most 1.6 % wide.
 * @module
 */

/** Nanoseconds of the finest bucket. */
const UNIT_NS = 128;

/** Buckets for each doubling. */
const STEPS = 64;

/** A histogram on its way between processes: bucket numbers and their counts. */
export type PackedHistogram = readonly (readonly [bucket: number, count: number])[];

/** Counts durations. */
export class Histogram {
  readonly #counts: number[] = [];
  #total = 0;

  /** How many durations were counted. */
  get total(): number {
    return this.#total;
  }

  /** Counts a duration in nanoseconds. */
  add(ns: number): void {
    const bucket = bucketOf(ns / UNIT_NS);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.length = 0;
    this.#total = 0;
  }

  /** Counts everything that another histogram has counted. */
  addAll(packed: PackedHistogram): void {
    for (const [bucket, count] of packed) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#total += count;
    }
  }

  /** The duration in milliseconds that a share of all durations, from 0 to 1, does not exceed; NaN when there are none. */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0 && this.#total > 0) return (middleOf(bucket) * UNIT_NS) / 1e6;
    }
    return Number.NaN;
  }

  /** Itself as data. */
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
