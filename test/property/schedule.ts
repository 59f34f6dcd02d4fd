/**
 * Random schedules of all events that can happen to a path.
 * @module
 */
import fc from "fast-check";
import type { Limits } from "../../src/engine/limits.ts";

/** One event. Numbers from 0 to 1 choose among the candidates that exist at that moment. */
export type Action =
  /** The appender sends a piece. */
  | { readonly do: "push"; readonly bytes: number }
  /** Time passes: `micro` turns of the microtask queue, then `macro` turns of the event loop. */
  | { readonly do: "wait"; readonly micro: number; readonly macro: number }
  /** A follower joins. */
  | { readonly do: "join"; readonly where: number; readonly text: boolean; readonly stalled: boolean }
  /** A follower's connection stalls, lets some bytes through, or flows. */
  | { readonly do: "stall" | "flow"; readonly who: number }
  | { readonly do: "pass"; readonly who: number; readonly bytes: number }
  /** A follower leaves. */
  | { readonly do: "leave"; readonly who: number }
  /** The store begins to hold appends back, stores one of them, or stores all and stops holding; or a part of one. */
  | { readonly do: "hold" | "store" | "release" }
  | { readonly do: "storePart"; readonly share: number }
  /** The store fails an append that it holds. */
  | { readonly do: "fail" }
  /** The appender ends, and another one begins. */
  | { readonly do: "end"; readonly lost: boolean };

/** A schedule, with its limits and its kind of bytes. */
export interface Schedule {
  readonly limits: Partial<Limits>;
  /** Whether the bytes are valid UTF-8, so that text frames must be, too. */
  readonly utf8: boolean;
  readonly actions: readonly Action[];
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("push" as const), bytes: fc.integer({ min: 0, max: 400 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      micro: fc.integer({ min: 0, max: 30 }),
      macro: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("join" as const), where: share, text: fc.boolean(), stalled: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "flow" as const), who: share }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), who: share, bytes: fc.integer({ min: 1, max: 600 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), who: share }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("hold" as const, "store" as const, "release" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("storePart" as const), share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fail" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), lost: fc.boolean() }) },
);

/** Schedules of at most `maxLength` actions. */
export function schedules(maxLength: number): fc.Arbitrary<Schedule> {
  return fc.record({
    limits: fc.record({
      followerBudgetBytes: fc.integer({ min: 1, max: 1500 }),
      batchBytes: fc.integer({ min: 1, max: 700 }),
      recentBytes: fc.integer({ min: 1, max: 3000 }),
    }),
    utf8: fc.boolean(),
    actions: fc.array(action, { maxLength, size: "max" }),
  });
}
