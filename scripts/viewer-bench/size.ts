/**
 * How much is measured.
 * @module
 */

/** The names of the sizes. */
export const SIZE_NAMES = ["full", "quick", "smoke"] as const;

/** The name of a size. */
export type SizeName = (typeof SIZE_NAMES)[number];

/** The amounts of a size. */
export interface Size {
  /** Bytes of the logs that are read, from the smallest one on. */
  readonly logs: readonly number[];
  /** Bytes of the largest log that the others get: they keep all of it in memory, several times over. */
  readonly othersBytes: number;
  readonly frames: number;
  readonly jumps: number;
  readonly followSeconds: number;
  readonly followBytesPerSecond: number;
  /** Seconds until a measurement counts as failed. */
  readonly limitSeconds: number;
  readonly rounds: number;
}

const SIZES: Readonly<Record<SizeName, Size>> = {
  full: {
    ...{ logs: [5e6, 100e6, 1e9], othersBytes: 100e6, frames: 240, jumps: 20, limitSeconds: 240, rounds: 3 },
    ...{ followSeconds: 5, followBytesPerSecond: 20e6 },
  },
  quick: {
    ...{ logs: [5e6, 20e6], othersBytes: 20e6, frames: 120, jumps: 8, limitSeconds: 120, rounds: 1 },
    ...{ followSeconds: 3, followBytesPerSecond: 5e6 },
  },
  smoke: {
    ...{ logs: [300e3, 600e3], othersBytes: 300e3, frames: 20, jumps: 2, limitSeconds: 60, rounds: 1 },
    ...{ followSeconds: 1, followBytesPerSecond: 200e3 },
  },
};

/** The amounts of a size. */
export function sizeOf(name: SizeName): Size {
  return SIZES[name];
}
