/** The rules of subscriptions: links, cursors, wakes, and the steps of a wake. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { StreamLink, SubscriptionRecord, Wake } from "../../src/engine/storage/subscription-record.ts";
import { beginning, expiring, settling } from "../../src/engine/subscriptions/steps.ts";
import {
  acked,
  ackedAll,
  firstPending,
  inPhase,
  isPending,
  linked,
  reconciled,
  retryMs,
  slept,
  type Tails,
  told,
  unlinked,
  woken,
} from "../../src/engine/subscriptions/transitions.ts";

const NOW = Date.UTC(2026, 0, 1);
const LEASE_MS = 5_000;

function link(path: string, ackedTo = 0, more: Partial<StreamLink> = {}): StreamLink {
  return { path, glob: true, explicit: false, acked: ackedTo, generation: "g", ...more };
}

function record(streams: readonly StreamLink[], more: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  return {
    ...{ root: "", id: "s", nonce: "n", revision: 7, baseUrl: "http://a", createdAt: "2026-01-01T00:00:00Z" },
    config: { type: "webhook", url: "https://hooks.example/", streams: [], leaseTtlMs: LEASE_MS },
    ...{ streams, generation: 2, failures: 0 },
    ...more,
  };
}

function tails(ends: Readonly<Record<string, number>>, generation = "g"): Tails {
  return new Map(Object.entries(ends).map(([path, offset]) => [path, { offset, generation }]));
}

function wake(phase: Wake["phase"], more: Partial<Wake> = {}): Pick<SubscriptionRecord, "wake"> & { wake: Wake } {
  return { wake: { id: "w", phase, cause: "a", ...more } };
}

describe("the pause before a delivery is repeated", () => {
  it("doubles from one second to one minute, and a fifth more or less at random", () => {
    const pauses = [1, 2, 3, 6, 7, 20, 10_000].map((failures) => retryMs(failures, 0.5));
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
    assert.deepEqual([retryMs(1, 0), retryMs(1, 1), retryMs(99, 1)], [800, 1_200, 72_000]);
  });
});

describe("the streams of a subscription", () => {
  it("are linked once, by the pattern, by their names or by both", () => {
    const before = record([link("a", 3)]);
    assert.deepEqual(linked(before, [link("b")]).streams, [link("a", 3), link("b")]);
    assert.equal(linked(before, [link("a", 9)]), before);
    const both = linked(before, [link("a", 9, { glob: false, explicit: true })]);
    assert.deepEqual(both.streams, [link("a", 3, { explicit: true })]);
    const own = record([link("a", 3, { glob: false, explicit: true })]);
    assert.equal(linked(own, [link("a", 0, { glob: false, explicit: true })]), own);
    const named = record([link("a", 3, { glob: false, explicit: true }), link("b")]);
    assert.deepEqual(linked(named, [link("a")]).streams, [link("a", 3, { explicit: true }), link("b")]);
    assert.equal(linked(both, [link("a", 0, { explicit: true })]), both);
  });

  it("are unlinked by name, and stay if the pattern matches them", () => {
    const before = record([
      link("a", 3, { explicit: true }),
      link("b", 4, { glob: false, explicit: true }),
      link("c", 5, { glob: false, explicit: true }),
    ]);
    assert.deepEqual(unlinked(before, "a").streams[0], link("a", 3));
    assert.deepEqual(
      unlinked(before, "b").streams.map(({ path }) => path),
      ["a", "c"],
    );
    assert.deepEqual(unlinked(before, "none").streams, before.streams);
  });

  it("that were removed are not linked by the pattern any more, and begin at 0 if they begin anew", () => {
    const before = record([
      ...[link("same", 3), link("fresh", 3, { generation: "" }), link("anew", 3, { generation: "old", told: 4 })],
      ...[link("gone", 3), link("named", 3, { explicit: true, glob: false, told: 4 })],
    ]);
    assert.deepEqual(reconciled(before, tails({ same: 5, fresh: 5, anew: 5 })).streams, [
      ...[link("same", 3), link("fresh", 3), link("anew", 0)],
      link("named", 0, { explicit: true, glob: false, generation: "" }),
    ]);
  });

  it("are pending if they have more than was processed", () => {
    assert.deepEqual(
      [4, 3, 2].map((end) => isPending(link("a", 3), tails({ a: end }))),
      [true, false, false],
    );
    assert.equal(isPending(link("a"), tails({})), false);
    const several = record([link("a", 3), link("b", 1), link("c")]);
    assert.equal(firstPending(several, tails({ a: 3, b: 2, c: 1 }))?.path, "b");
    assert.equal(firstPending(several, tails({ a: 3 })), undefined);
  });
});

describe("a wake", () => {
  const pending = tails({ a: 5, b: 2 });

  it("begins if there is something to process and none is in flight, and tells the ends", () => {
    const next = woken(record([link("a", 3), link("b", 2), link("c")]), pending);
    assert.match(next.wake?.id ?? "", /^w_[0-9a-f-]{36}$/);
    assert.deepEqual({ ...next.wake, id: "" }, { id: "", phase: "due", cause: "a" });
    assert.equal(next.generation, 3);
    assert.deepEqual(
      next.streams.map(({ told }) => told),
      [5, 2, 0],
    );
    assert.equal(woken(record([link("a", 3)]), pending, NOW).wake?.untilMs, NOW);
    const idle = record([link("a", 5)]);
    assert.equal(woken(idle, pending), idle);
    const flying = record([link("a", 3)], wake("sent"));
    assert.equal(woken(flying, pending), flying);
  });

  it("changes its phase, and forgets what belonged to the former one", () => {
    const before = record([link("a")], wake("held", { untilMs: 5, holder: "one" }));
    assert.deepEqual(inPhase(before, "due", undefined).wake, { id: "w", phase: "due", cause: "a" });
    assert.deepEqual(inPhase(before, "held", 9, "two").wake, {
      ...{ id: "w", phase: "held", cause: "a", untilMs: 9, holder: "two" },
    });
    const none = record([link("a")]);
    assert.equal(inPhase(none, "due", 5), none);
  });

  it("ends, and what it told does not count any more", () => {
    const after = slept(record([link("a", 1, { told: 5 })], wake("sent")));
    assert.deepEqual([after.wake, after.streams], [undefined, [link("a", 1)]]);
    assert.ok(!("wake" in after));
  });

  it("that is processed counts as far as it told, and no cursor goes back", () => {
    const streams = [link("a", 1, { told: 5 }), link("b", 4, { told: 3 }), link("c", 2)];
    assert.deepEqual(
      ackedAll(record(streams)).streams.map((each) => each.acked),
      [5, 4, 2],
    );
    assert.deepEqual(
      told(record(streams), tails({ a: 9 })).streams.map((each) => each.told),
      [9, 0, 0],
    );
  });

  it("is processed as far as its worker says, all of it or nothing", () => {
    const before = record([link("a", 2), link("b", 1)]);
    const next = acked(
      before,
      [
        { path: "a", offset: 4 },
        { path: "a", offset: 5 },
      ],
      pending,
    );
    assert.ok(typeof next !== "string");
    assert.deepEqual(
      next.streams.map((each) => each.acked),
      [5, 1],
    );
    const same = acked(before, [{ path: "a", offset: 2 }], pending);
    assert.ok(typeof same !== "string" && same.streams[0]?.acked === 2);
    for (const [acks, message] of [
      [[{ path: "c", offset: 0 }], /not a stream/],
      [[{ path: "a", offset: 1 }], /before 2/],
      [
        [
          { path: "a", offset: 4 },
          { path: "a", offset: 3 },
        ],
        /before 4/,
      ],
      [[{ path: "a", offset: 6 }], /past its end, 5/],
      [
        [
          { path: "b", offset: 2 },
          { path: "a", offset: 9 },
        ],
        /past its end/,
      ],
    ] as const) {
      const wrong = acked(before, acks, pending);
      assert.ok(typeof wrong === "string");
      assert.match(wrong, message);
    }
    assert.match(String(acked(record([link("z")]), [{ path: "z", offset: 1 }], pending)), /past its end, 0/);
  });
});

/** Takes a step, and returns the record after it. */
async function step(
  taken: ReturnType<typeof expiring>,
  found: SubscriptionRecord | undefined,
  ends: Tails = tails({ a: 5 }),
): Promise<SubscriptionRecord | null | undefined> {
  return taken(found, async (looked) => ({ record: looked, tails: ends }));
}

function clock(t: TestContext): void {
  t.mock.timers.enable({ apis: ["Date"], now: NOW });
  t.mock.method(Math, "random", () => 0.5);
}

describe("the beginning of a delivery", () => {
  it("is noted with its time limit, and tells what there is by now", async (t) => {
    clock(t);
    const planned = record([link("a", 1)], wake("due", { untilMs: 3 }));
    let looked: Tails | undefined;
    const ends = tails({ a: 6 });
    const next = await step(
      beginning(planned, 900, (seen) => {
        looked = seen;
      }),
      planned,
      ends,
    );
    assert.equal(looked, ends);
    assert.deepEqual(next?.wake, { id: "w", phase: "sending", cause: "a", untilMs: NOW + 900 });
    assert.equal(next?.streams[0]?.told, 6);
  });

  it("is none if the stream is gone, or if anything has happened since it was planned", async (t) => {
    clock(t);
    const planned = record([link("a", 5)], wake("due"));
    const begun = beginning(planned, 900, () => {});
    assert.deepEqual(await step(begun, planned), slept(planned));
    assert.equal(await step(begun, undefined), undefined);
    assert.equal(await step(begun, { ...planned, revision: 8 }), undefined);
    assert.equal(await step(begun, { ...planned, nonce: "other" }), undefined);
  });
});

describe("the end of a delivery", () => {
  const sending = record([link("a", 1, { told: 4 })], { ...wake("sending", { untilMs: 1 }), failures: 2 });

  it("that is done acknowledges what was told, and wakes for the rest", async (t) => {
    clock(t);
    const next = await step(settling(sending, "done"), sending);
    assert.deepEqual([next?.failures, next?.streams[0]?.acked, next?.generation], [0, 4, 3]);
    assert.notEqual(next?.wake?.id, "w");
    const all = await step(settling(sending, "done"), sending, tails({ a: 4 }));
    assert.deepEqual([all?.wake, all?.streams[0]?.acked], [undefined, 4]);
  });

  it("that is accepted begins the lease of a webhook; an event waits without one", async (t) => {
    clock(t);
    const next = await step(settling(sending, "accepted"), sending);
    assert.deepEqual(
      [next?.wake, next?.failures],
      [{ id: "w", phase: "sent", cause: "a", untilMs: NOW + LEASE_MS }, 0],
    );
    const pull = { ...sending, config: { ...sending.config, type: "pull-wake" as const, wakeStream: "w" } };
    assert.deepEqual((await step(settling(pull, "accepted"), pull))?.wake, { id: "w", phase: "sent", cause: "a" });
    const held = { ...pull, ...wake("held", { holder: "one", untilMs: 9 }) };
    const claimed = await step(settling(pull, "accepted"), held);
    assert.deepEqual([claimed?.wake, claimed?.failures], [held.wake, 0]);
  });

  it("that has failed is repeated after a pause, or at once after a restart", async (t) => {
    clock(t);
    const failed = await step(settling(sending, "failed"), sending);
    assert.deepEqual(
      [failed?.wake, failed?.failures],
      [{ id: "w", phase: "due", cause: "a", untilMs: NOW + 4_000 }, 3],
    );
    const stopped = await step(settling(sending, "stopped"), sending);
    assert.deepEqual([stopped?.wake, stopped?.failures], [{ id: "w", phase: "due", cause: "a" }, 2]);
  });

  it("changes nothing if its worker has shown that it has the wake, or if the wake is over", async (t) => {
    clock(t);
    const sent = { ...sending, ...wake("sent", { untilMs: 9 }) };
    for (const outcome of ["failed", "stopped"] as const) {
      assert.equal(await step(settling(sending, outcome), sent), undefined);
    }
    for (const outcome of ["done", "accepted", "failed", "stopped"] as const) {
      for (const other of [
        undefined,
        slept(sending),
        { ...sending, nonce: "other" },
        { ...sending, ...wake("sending", { id: "other" }) },
      ]) {
        assert.equal(await step(settling(sending, outcome), other), undefined);
      }
    }
  });
});

describe("a wake whose time is over", () => {
  it("is repeated if its process has vanished", async (t) => {
    clock(t);
    const sending = record([link("a", 1, { told: 4 })], wake("sending", { untilMs: 1 }));
    const next = await step(expiring(sending), sending);
    assert.deepEqual([next?.wake, next?.failures], [{ id: "w", phase: "due", cause: "a", untilMs: NOW + 1_000 }, 1]);
    assert.equal(next?.generation, 2);
  });

  it("begins anew if its worker has vanished, and there is something to process", async (t) => {
    clock(t);
    for (const phase of ["sent", "held"] as const) {
      const lost = record([link("a", 1, { told: 4 })], wake(phase, { untilMs: 1 }));
      const next = await step(expiring(lost), lost);
      assert.deepEqual([next?.generation, next?.wake?.phase, next?.streams[0]?.told], [3, "due", 5]);
      assert.notEqual(next?.wake?.id, "w");
      assert.equal((await step(expiring(lost), lost, tails({ a: 1 })))?.wake, undefined);
    }
  });

  it("stays if anything has happened since", async (t) => {
    clock(t);
    const lost = record([link("a", 1)], wake("sent", { untilMs: 1 }));
    assert.equal(await step(expiring(lost), undefined), undefined);
    assert.equal(await step(expiring(lost), { ...lost, revision: 8 }), undefined);
    assert.equal(await step(expiring(lost), { ...lost, nonce: "other" }), undefined);
  });
});
