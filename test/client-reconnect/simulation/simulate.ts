/**
 * Runs any number of simulations:
 *
 *     node --import tsx test/client-reconnect/simulation/main.ts append 100000
 *     node --import tsx test/client-reconnect/simulation/main.ts append 1000 7      with the seed 7
 *
 * @module
 */
import fc from "fast-check";

/** The outcome of one schedule. */
export interface Played {
  /** How it ended for the client. */
  readonly result: string;
  /** Number of its steps. */
  readonly steps: number;
  /** Number of connections that it opened. */
  readonly connections: number;
}

/** The outcome of many schedules. */
export interface Summary {
  readonly seed: number;
  readonly runs: number;
  readonly perSecond: number;
  readonly steps: number;
  readonly connections: number;
  /** Number of schedules by result. */
  readonly results: Readonly<Record<string, number>>;
}

/**
 * Plays random schedules.
 *
 * @throws {Error} if a schedule shows a fault, with the smallest such schedule that was found, and the seed.
 */
export async function simulate<T>(
  schedules: fc.Arbitrary<T>,
  play: (schedule: T) => Promise<Played>,
  { runs, seed }: { runs: number; seed: number },
): Promise<Summary> {
  const results: Record<string, number> = {};
  let steps = 0;
  let connections = 0;
  const beganMs = performance.now();
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const played = await play(schedule);
    steps += played.steps;
    connections += played.connections;
    results[played.result] = (results[played.result] ?? 0) + 1;
  });
  await fc.assert(property, { numRuns: runs, seed });
  const perSecond = Math.round(runs / ((performance.now() - beganMs) / 1000));
  return { seed, runs, perSecond, steps, connections, results };
}
