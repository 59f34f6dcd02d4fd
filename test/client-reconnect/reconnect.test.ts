import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  FORMER_UNANSWERED,
  RESTART_SPREAD_MS,
  STEADY_MS,
  UNANSWERED_MS,
} from "../../src/client/connection/limits.ts";
import {
  beginning,
  type ReconnectAction,
  type ReconnectEvent,
  type ReconnectState,
  type RetryPolicy,
  step,
} from "../../src/client/retry/retry-policy.ts";
import { type ErrorCode, StreamError } from "../../src/protocol/errors.ts";

const POLICY: RetryPolicy = { retryForMs: 120_000, retryFirst: false };

function failure(code: ErrorCode, headers: Record<string, string> = {}): StreamError {
  return new StreamError(code, "It failed.", { headers });
}

/** Runs events through the state machine. */
function after(
  events: readonly ReconnectEvent[],
  { policy = POLICY, resuming = false } = {},
): { state: ReconnectState; action: ReconnectAction | undefined } {
  let state = beginning(0, resuming);
  let action: ReconnectAction | undefined;
  for (const event of events) [state, action] = step(state, event, policy);
  return { state, action };
}

const reached: ReconnectEvent = { type: "reached" };
const opened = (nowMs: number): ReconnectEvent => ({ type: "opened", nowMs });
const lost = (code: ErrorCode, nowMs = 0, chance = 0.5, headers = {}): ReconnectEvent => ({
  type: "lost",
  error: failure(code, headers),
  nowMs,
  chance,
});
const due: ReconnectEvent = { type: "due" };

describe("the first attempt", () => {
  it("is final when no server is reached, unless retryFirst is set", () => {
    assert.equal(after([lost("unreachable")]).action?.type, "give up");
    const policy = { ...POLICY, retryFirst: true };
    assert.equal(after([lost("unreachable")], { policy }).action?.type, "wait");
  });

  it("is final when it is refused permanently", () => {
    const codes = [
      "not_found",
      "conflict",
      "forbidden",
      "unauthorized",
      "precondition_failed",
      "gone",
      "range",
    ] as const;
    for (const code of codes) {
      for (const retryFirst of [false, true]) {
        assert.equal(after([lost(code)], { policy: { ...POLICY, retryFirst } }).action?.type, "give up", code);
      }
    }
  });

  it("is retried when the server is restarting or overloaded, or its store does not answer", () => {
    for (const code of ["restarting", "unavailable", "overloaded"] as const) {
      assert.equal(after([lost(code)]).action?.type, "wait");
    }
  });

  it("is retried when a connection was accepted and broke before it began", () => {
    assert.equal(after([reached, lost("unreachable")]).action?.type, "wait");
    // The path may then be held by the append that the lost connection began.
    assert.equal(after([reached, lost("unreachable"), due, lost("conflict")]).action?.type, "wait");
  });
});

describe("later attempts", () => {
  it("are made when the connection breaks", () => {
    const { state, action } = after([reached, opened(0), lost("unreachable")]);
    assert.equal(action?.type, "wait");
    assert.equal(step(state, due, POLICY)[0].phase, "connecting");
  });

  it("are retried while the path is reserved temporarily, and not while it is taken", () => {
    const before = [reached, opened(0), lost("unreachable"), due];
    assert.equal(after([...before, lost("conflict", 0, 0, { "retry-after": "1" })]).action?.type, "wait");
    assert.equal(after([...before, lost("conflict")]).action?.type, "give up");
    const resumed = [lost("conflict", 0, 0, { "retry-after": "1" })];
    assert.equal(after(resumed, { resuming: true }).action?.type, "wait");
    assert.equal(after(resumed).action?.type, "give up");
  });

  it("are not made after a permanent failure", () => {
    const codes = ["gone", "changed", "protocol", "storage", "no_space", "range", "unauthorized", "internal"] as const;
    for (const code of codes) {
      assert.equal(after([reached, opened(0), lost(code)], { resuming: true }).action?.type, "give up", code);
    }
  });

  it("are made after a fence, once per older attempt that may have arrived late", () => {
    const open = [reached, opened(0)];
    const superseded = (before: readonly ReconnectEvent[], nowMs = 0): string | undefined =>
      after([...before, lost("fenced", nowMs)]).action?.type;
    assert.equal(superseded(open), "give up");
    // A connection that breaks after it was open can't arrive late.
    assert.equal(superseded([...open, lost("unreachable"), due, opened(0)]), "give up");
    const unanswered = [...open, lost("unreachable"), due, lost("unreachable", 1_000), due, opened(1_000)];
    assert.equal(superseded(unanswered, 1_000 + UNANSWERED_MS), "wait");
    assert.equal(superseded(unanswered, 1_001 + UNANSWERED_MS), "give up");
    assert.equal(superseded([...unanswered, lost("fenced", 1_000), due, opened(1_000)], 1_000), "give up");
    // An attempt that got any response can't arrive late.
    const refused = [...open, lost("unreachable"), due, lost("restarting"), due, opened(0)];
    assert.equal(superseded(refused), "give up");
    // An append that never began has no session that an attempt could have presented.
    assert.equal(superseded([reached, lost("unreachable"), due, opened(0)]), "give up");
  });

  it("are made after a fence when resuming, as the earlier run may have left attempts behind", () => {
    const open = [reached, opened(0)];
    assert.equal(after([...open, lost("fenced", UNANSWERED_MS + 1)], { resuming: true }).action?.type, "give up");
    for (let times = 1; times <= FORMER_UNANSWERED; times++) {
      open.push(lost("fenced"));
      assert.equal(after(open, { resuming: true }).action?.type, "wait");
      open.push(due, opened(0));
    }
    assert.equal(after([...open, lost("fenced")], { resuming: true }).action?.type, "give up");
  });

  it("are not made when retries are disabled", () => {
    const policy = { ...POLICY, retryForMs: 0 };
    assert.equal(
      after([reached, opened(0), { type: "progressed" }, lost("unreachable")], { policy }).action?.type,
      "give up",
    );
  });
});

describe("the delay", () => {
  const delay = (events: readonly ReconnectEvent[]): number => {
    const { action } = after(events);
    assert.equal(action?.type, "wait");
    return action?.type === "wait" ? action.delayMs : Number.NaN;
  };

  it("is random, below a bound that doubles up to a maximum", () => {
    const events: ReconnectEvent[] = [reached];
    let bound = BACKOFF_FIRST_MS;
    for (let failures = 1; failures <= 12; failures++, bound *= 2) {
      const least = delay([...events, lost("unreachable", 0, 0)]);
      const most = delay([...events, lost("unreachable", 0, 0.999_999)]);
      assert.equal(least, 0);
      assert.equal(Math.round(most), Math.min(bound, BACKOFF_MAX_MS));
      events.push(lost("unreachable", 0, 0), due);
    }
  });

  it("spreads the clients of a restarted server", () => {
    const first = [reached, opened(0)];
    assert.equal(delay([...first, lost("restarting", 0, 0.5)]), RESTART_SPREAD_MS / 2);
    assert.equal(delay([...first, lost("unreachable", 0, 0), due, lost("restarting", 0, 0.5)]), BACKOFF_FIRST_MS);
  });

  it("is as long as the server asks for, plus the backoff", () => {
    const asked = { "retry-after": "3" };
    assert.equal(delay([reached, lost("overloaded", 0, 0.5, asked)]), 3_000 + BACKOFF_FIRST_MS / 2);
    assert.equal(delay([reached, lost("overloaded", 0, 0, { "retry-after": "soon" })]), 0);
  });

  it("does not begin when the server asks for more time than is left", () => {
    assert.equal(after([reached, lost("overloaded", 0, 0, { "retry-after": "121" })]).action?.type, "give up");
  });

  it("is cut to the time that is left, for a last attempt", () => {
    const events = [reached, lost("unreachable", 0, 0), due];
    assert.equal(delay([...events, lost("unreachable", 119_950, 0.999)]), 50);
    assert.equal(after([...events, lost("unreachable", 120_000)]).action?.type, "give up");
  });
});

describe("the count of failures", () => {
  it("restarts after progress, and after a steady connection", () => {
    const failed = [reached, opened(0), lost("unreachable"), due, lost("unreachable", 50_000), due];
    assert.equal(after(failed).state.failures, 2);
    const good = [...failed, opened(60_000), { type: "progressed" } as const, lost("unreachable", 60_001)];
    assert.deepEqual([after(good).state.failures, after(good).state.sinceMs], [1, 60_001]);
    const steady = [...failed, opened(60_000), lost("unreachable", 60_000 + STEADY_MS)];
    assert.deepEqual([after(steady).state.failures, after(steady).state.sinceMs], [1, 60_000 + STEADY_MS]);
  });

  it("continues after a short connection without progress", () => {
    const events = [reached, opened(0), lost("unreachable"), due, opened(1_000), lost("unreachable", 1_001)];
    assert.deepEqual([after(events).state.failures, after(events).state.sinceMs], [2, 0]);
  });
});

describe("the state machine", () => {
  const EVENT: fc.Arbitrary<(nowMs: number) => ReconnectEvent> = fc.oneof(
    fc.constant(() => reached),
    fc.constant(opened),
    fc.constant((): ReconnectEvent => ({ type: "progressed" })),
    fc.constant(() => due),
    fc
      .tuple(
        fc.constantFrom<ErrorCode>("unreachable", "restarting", "unavailable", "overloaded", "conflict", "fenced"),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
      )
      .map(
        ([code, chance]) =>
          (nowMs: number) =>
            lost(code, nowMs, chance, { "retry-after": "2" }),
      ),
  );

  it("terminates: it never waits beyond its time, and ignores events after its end", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(EVENT, fc.nat(30_000)), { maxLength: 60 }), (events) => {
        let state = beginning(0, false);
        let nowMs = 0;
        for (const [event, passedMs] of events) {
          nowMs += passedMs;
          const before = state;
          const [next, action] = step(state, event(nowMs), POLICY);
          state = next;
          if (before.phase === "ended") assert.deepEqual([state, action], [before, undefined]);
          if (action?.type === "wait") {
            assert.ok(action.delayMs >= 0 && nowMs + action.delayMs <= state.sinceMs + POLICY.retryForMs);
            assert.equal(state.phase, "waiting");
          }
          if (action?.type === "give up") assert.equal(state.phase, "ended");
          if (before.phase === "waiting") assert.ok(["waiting", "connecting"].includes(state.phase));
        }
      }),
    );
  });
});
