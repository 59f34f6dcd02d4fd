/**
 * Goals, and whether they were reached.
 * @module
 */
import type { Goal, Metric } from "./load.ts";
import { type LoadResult, medianOf, type Row } from "./results.ts";

/** What became of one goal for one peer. */
export interface Verdict {
  readonly peer: string;
  /** The goal in words. */
  readonly goal: string;
  /** The number that is judged; NaN when something that it takes was not measured. */
  readonly value: number;
  /** Nothing when it can't be judged. */
  readonly reached: boolean | undefined;
}

/** Judges what is ours, on each runtime and in each way. */
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
