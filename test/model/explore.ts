/**
 * Visits every state that a model can reach, whatever the order of its steps.
 * @module
 */

/** What to explore. States are plain data. */
export interface Model<S> {
  readonly start: S;
  /** The states that one step leads to, each with the name of its step. */
  readonly next: (state: S) => Iterable<readonly [string, S]>;
  /** What is wrong with a state; undefined if nothing is. */
  readonly wrong: (state: S) => string | undefined;
}

/** The outcome of {@link explore}. */
export interface Explored {
  /** Number of different states. */
  readonly states: number;
  /** What is wrong, and the steps that lead there; undefined if no state is wrong. */
  readonly found: { readonly what: string; readonly steps: readonly string[] } | undefined;
  /** The names of all steps that were taken. */
  readonly taken: ReadonlySet<string>;
}

/** Explores a model breadth first, so that the steps to a wrong state are as few as possible. */
export function explore<S>({ start, next, wrong }: Model<S>): Explored {
  const seen = new Set<string>([JSON.stringify(start)]);
  const taken = new Set<string>();
  type Visit = { readonly state: S; readonly step: string; readonly before: Visit | undefined };
  let level: Visit[] = [{ state: start, step: "", before: undefined }];
  while (level.length > 0) {
    const below: Visit[] = [];
    for (const before of level) {
      for (const [step, state] of next(before.state)) {
        taken.add(step.replace(/^\d+ /, ""));
        const key = JSON.stringify(state);
        if (seen.has(key)) continue;
        seen.add(key);
        const visit = { state, step, before };
        const what = wrong(state);
        if (what) return { states: seen.size, found: { what, steps: stepsTo(visit) }, taken };
        below.push(visit);
      }
    }
    level = below;
  }
  return { states: seen.size, found: undefined, taken };
}

function stepsTo(visit: { step: string; before: unknown } | undefined): string[] {
  const steps: string[] = [];
  for (let at = visit; at; at = at.before as typeof visit) if (at.step) steps.unshift(at.step);
  return steps;
}
