/**
 * What a store counts for its operator; see {@link StoreCounts}.
 * @module
 */

/** Numbers that only grow. */
export interface Counts {
  retries: number;
  fenced: number;
  takeovers: number;
  tapGaps: number;
}

/** Counts that begin at 0. */
export function newCounts(): Counts {
  return { retries: 0, fenced: 0, takeovers: 0, tapGaps: 0 };
}
