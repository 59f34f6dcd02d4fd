/**
 * Checks whether goals were reached.
 * @module
 */
import type { Goal, Metric } from "./load.ts";
import { type LoadResult, medianOf, type Row } from "./results.ts";

/** The outcome of one goal for one peer. */
export interface Verdict {
  readonly peer: string;
  /** The goal in words. */
  readonly goal: string;
  /** The number or ratio that is compared with the bounds; NaN if a measurement is missing. */
  readonly value: number;
  /** Whether the goal was reached; undefined if a measurement is missing. */
  readonly reached: boolean | undefined;
}

/** Checks all goals of a load for each row of httpfstream. */
export function verdicts(result: LoadResult, all: readonly LoadResult[]): Verdict[] {
  const ours = result.rows.filter(({ isOurs, missing }) => isOurs && missing === undefined);
  return result.goals.flatMap((goal) => ours.map((row) => verdict(goal, row, result, all)));
}

function verdict(goal: Goal, row: Row, result: LoadResult, all: readonly LoadResult[]): Verdict {
  const { metric, against, load, atLeast, atMost } = goal;
  const isAbsolute = against === undefined && load === undefined;
  const there = load === undefined ? result : all.find(({ name }) => name === load);
  const other = there?.rows.find(({ peer }) => peer === (against ?? row.peer));
  const value = medianOf(row, metric) / (isAbsolute ? 1 : medianOf(other, metric));
  const isReached = value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY);
  return {
    peer: row.peer,
    goal: words(
      goal,
      result.metrics.find(({ key }) => key === metric),
    ),
    value,
    reached: Number.isNaN(value) ? undefined : isReached,
  };
}

function words({ against, load, atLeast, atMost }: Goal, metric: Metric | undefined): string {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  if (against === undefined && load === undefined) return `${metric?.title} ${bound} ${metric?.unit}`;
  return `${metric?.title} ${bound}× ${[against, load && `in ${load}`].filter(Boolean).join(" ")}`;
}
