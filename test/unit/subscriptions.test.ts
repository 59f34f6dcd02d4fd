/** Subscriptions: what is created, what wakes, what fences. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { WorkerRequest } from "../../src/engine/subscriptions/actions.ts";
import { BASE_URL, HOOK, NAME, PULL, Rig, refused, STEP_MS } from "../fixture/subscription-rig.ts";

describe("a subscription", () => {
  it("is created once, with the present ends of its streams", async (t) => {
    const rig = await Rig.start(t);
    await rig.streams.create("events/a", "old");
    await rig.streams.create("named", "12345");
    const { record, isNew } = await rig.subscribe({ streams: ["named", "none"] });
    assert.equal(isNew, true);
    assert.deepEqual(
      record.streams.map(({ path, glob, explicit, acked, generation }) => [
        path,
        glob,
        explicit,
        acked,
        generation !== "",
      ]),
      [
        ["named", false, true, 5, true],
        ["none", false, true, 0, false],
        ["events/a", true, false, 3, true],
      ],
    );
    assert.deepEqual(
      [record.root, record.id, record.baseUrl, record.createdAt, record.revision, record.generation, record.failures],
      ["", "s", BASE_URL, "2026-01-01T00:00:00.000Z", 1, 0, 0],
    );
    const again = await rig.actions.create(NAME, { ...HOOK, streams: ["named", "none"] }, "http://other");
    assert.deepEqual([again.isNew, again.record.nonce, again.record.baseUrl], [false, record.nonce, "http://other"]);
    const same = await rig.actions.create(NAME, { ...HOOK, streams: ["named", "none"] }, "http://other");
    assert.equal(same.record.revision, again.record.revision);
    await rig.settle();
    assert.equal(rig.sender.count, 0);
  });

  it("is refused if there is another one of its name, for each part of its configuration", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    for (const other of [
      ...[{ pattern: "x" }, { streams: ["a"] }, { url: "https://other.example/" }, { leaseTtlMs: 9_000 }],
      ...[{ description: "text" }, { type: "pull-wake" as const, wakeStream: "wake" }],
    ]) {
      await refused("SUBSCRIPTION_ALREADY_EXISTS", rig.subscribe(other));
    }
    assert.equal((await rig.subscribe({}, { root: "r", id: "s" })).isNew, true);
  });

  it("is refused at the limits, and where its URL may not lead", async (t) => {
    const rig = await Rig.start(t, undefined, { subscriptions: 1, subscriptionStreams: 2 });
    await refused("TOO_MANY", rig.subscribe({ streams: ["a", "b", "c"] }));
    for (const path of ["a", "b", "c"]) await rig.streams.create(`events/${path}`);
    await refused("TOO_MANY", rig.subscribe());
    await refused("SUBSCRIPTION_NOT_FOUND", rig.record());
    assert.equal((await rig.subscribe({ streams: ["a", "b"], pattern: "none" })).isNew, true);
    await refused("TOO_MANY", rig.subscribe({ pattern: "none" }, { root: "", id: "t" }));
    assert.equal((await rig.subscribe({ streams: ["a", "b"], pattern: "none" })).isNew, false);
    await refused("TOO_MANY", rig.actions.addStreams(NAME, ["c"]));
    await rig.actions.addStreams(NAME, ["b"]);
    t.mock.method(rig.sender, "check", async () => "It leads to this machine.");
    const error = await refused("WEBHOOK_URL_REJECTED", rig.subscribe({ url: "http://10.0.0.1/" }));
    assert.equal(error.message, "It leads to this machine.");
    await refused("TOO_MANY", rig.actions.create({ root: "", id: "u" }, { ...PULL, streams: [] }, BASE_URL));
  });

  it("has no limit of their number if that is 0", async (t) => {
    const rig = await Rig.start(t, undefined, { subscriptions: 0 });
    await rig.subscribe();
    assert.equal((await rig.subscribe({}, { root: "", id: "t" })).isNew, true);
  });

  it("is removed, and a new one of its name begins anew", async (t) => {
    const rig = await Rig.start(t);
    const { record } = await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const received = await rig.received();
    await rig.actions.remove(NAME);
    await rig.actions.remove(NAME);
    await refused("SUBSCRIPTION_NOT_FOUND", rig.record());
    await refused("SUBSCRIPTION_NOT_FOUND", rig.says(received));
    received.answer();
    await rig.streams.append("events/a", "y");
    await rig.pass(10_000);
    assert.deepEqual([rig.sender.count, rig.all.entries.size], [1, 0]);
    const again = await rig.subscribe();
    assert.notEqual(again.record.nonce, record.nonce);
    await refused("FENCED", rig.says(received));
    await rig.streams.append("events/a", "z");
    assert.equal((await rig.received()).body.streams[0]?.acked_offset, "0000000000000002");
  });

  it("watches streams that are named later, until they are not", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("later", "old");
    await rig.actions.addStreams(NAME, ["later", "events/a"]);
    await rig.streams.append("later", "new");
    const { body, answer } = await rig.received();
    assert.deepEqual(
      body.streams.map(({ path, link_type, acked_offset, has_pending }) => [
        path,
        link_type,
        Number(acked_offset),
        has_pending,
      ]),
      [
        ["later", "explicit", 3, true],
        ["events/a", "explicit", 0, false],
      ],
    );
    answer('{"done": true}');
    await rig.phase(undefined);
    const links = async () => (await rig.record()).streams.map(({ path, glob, explicit }) => [path, glob, explicit]);
    assert.deepEqual(await links(), [
      ["later", false, true],
      ["events/a", false, true],
    ]);
    await rig.actions.removeStream(NAME, "later");
    assert.deepEqual(await links(), [["events/a", false, true]]);
    await rig.streams.append("later", "more");
    await rig.settle();
    assert.equal(rig.sender.count, 1);
    await refused("SUBSCRIPTION_NOT_FOUND", rig.actions.addStreams({ root: "", id: "none" }, ["a"]));
    await refused("SUBSCRIPTION_NOT_FOUND", rig.actions.removeStream({ root: "", id: "none" }, "a"));
  });
});

describe("a webhook", () => {
  it("tells what there is, signed, to the URL of its subscription", async (t) => {
    const rig = await Rig.start(t);
    await rig.actions.create({ root: "r", id: "a b" }, HOOK, "http://localhost/r");
    await rig.streams.create("r/events/a", "abc");
    const { url, body, signature } = await rig.received();
    assert.equal(url, HOOK.url);
    assert.match(signature, /^t=1767225600,kid=ds_[\w-]+,ed25519=[\w-]+$/);
    assert.deepEqual(
      { ...body, wake_id: "", callback_token: "" },
      {
        ...{ subscription_id: "a b", wake_id: "", generation: 1, callback_token: "" },
        callback_url: "http://localhost/r/__ds/subscriptions/a%20b/callback",
        streams: [
          {
            ...{ path: "events/a", link_type: "glob", has_pending: true },
            ...{ acked_offset: "0000000000000000", tail_offset: "0000000000000003" },
          },
        ],
      },
    );
    assert.match(body.wake_id, /^w_/);
    const keys = await rig.all.keys();
    assert.equal((await keys.claimsOf("r", "a b", body.callback_token))?.generation, 1);
  });

  it("is one at a time, and the next one tells what came meanwhile", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const first = await rig.received();
    assert.equal((await rig.record()).wake?.phase, "sending");
    await rig.streams.append("events/a", "y");
    await rig.streams.create("events/b", "z");
    await rig.settle();
    assert.equal(rig.sender.count, 1);
    first.answer('{"done": true}');
    const second = await rig.received();
    assert.deepEqual(
      second.body.streams.map(({ path, acked_offset, tail_offset }) => [
        path,
        Number(acked_offset),
        Number(tail_offset),
      ]),
      [
        ["events/a", 1, 2],
        ["events/b", 0, 1],
      ],
    );
    assert.equal(second.body.generation, 2);
    second.answer('{"done": true}');
    const record = await rig.phase(undefined);
    assert.deepEqual(
      record.streams.map(({ acked, told }) => [acked, told]),
      [
        [2, undefined],
        [1, undefined],
      ],
    );
    assert.deepEqual(
      rig.delivered.map(({ outcome, status, record: of }) => [outcome, status, of.generation]),
      [
        ["done", 200, 1],
        ["done", 200, 2],
      ],
    );
    assert.ok(rig.delivered.every(({ durationMs }) => Number.isInteger(durationMs) && durationMs >= 0));
  });

  it("is done only if the answer says so", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    for (const text of ["", "null", "[]", '"done"', '{"done": 1}', '{"done": false}', "{"]) {
      (await rig.received()).answer(text);
      const record = await rig.phase("sent");
      assert.deepEqual([record.wake?.untilMs, record.streams[0]?.acked], [Date.now() + HOOK.leaseTtlMs, 0], text);
      await rig.pass(HOOK.leaseTtlMs);
    }
    assert.deepEqual([...new Set(rig.delivered.map(({ outcome }) => outcome))], ["accepted"]);
  });

  it("has failed with any other status than 2xx, and is repeated as the same wake", async (t) => {
    t.mock.method(Math, "random", () => 0.5);
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const ids = new Set<string>();
    let pauseMs = 1_000;
    for (const status of [199, 300, 500]) {
      const received = await rig.received();
      ids.add(received.body.wake_id);
      received.answer("", status);
      const record = await rig.phase("due");
      assert.equal(record.wake?.untilMs, Date.now() + pauseMs);
      await rig.pass(pauseMs - STEP_MS);
      assert.equal(rig.sender.waiting, 0);
      await rig.pass(STEP_MS);
      pauseMs *= 2;
    }
    assert.equal((await rig.record()).failures, 3);
    const gone = await rig.received();
    gone.fail();
    await rig.phase("due");
    await rig.pass(pauseMs);
    const last = await rig.received();
    assert.deepEqual([...ids], [last.body.wake_id]);
    last.answer("", 299);
    assert.equal((await rig.phase("sent")).failures, 0);
    const [first, , , broken] = rig.delivered;
    assert.deepEqual(
      [first?.outcome, first?.status, broken?.outcome, broken?.status],
      ["failed", 199, "failed", undefined],
    );
    assert.match(String(first?.error), /199/);
    assert.match(String(broken?.error), /gone/);
  });

  it("counts as processed as far as its worker says, which extends the lease", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "12345");
    const received = await rig.received();
    assert.equal(await rig.says(received, { acks: [{ path: "events/a", offset: 2 }] }), false);
    const record = await rig.record();
    assert.deepEqual(
      [record.wake?.phase, record.wake?.untilMs, record.streams[0]?.acked],
      ["sent", Date.now() + HOOK.leaseTtlMs, 2],
    );
    received.answer("", 500);
    await rig.until("the delivery", () => rig.delivered.length === 1);
    await rig.settle();
    assert.equal((await rig.record()).wake?.phase, "sent");
    await refused("INVALID_OFFSET", rig.says(received, { acks: [{ path: "events/a", offset: 6 }] }));
    assert.equal(await rig.says(received, { acks: [{ path: "events/a", offset: 4 }], done: true }), true);
    const second = await rig.received();
    assert.deepEqual([second.body.generation, second.body.streams[0]?.acked_offset], [2, "0000000000000004"]);
    assert.equal(await rig.says(second, { acks: [{ path: "events/a", offset: 5 }], done: true }), false);
    assert.equal((await rig.record()).wake, undefined);
  });

  it("is fenced: only the token and the numbers of the wake in flight count", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const received = await rig.received();
    received.answer();
    await rig.phase("sent");
    await refused("TOKEN_INVALID", rig.says(received, { token: "x" }));
    const error = await refused("FENCED", rig.says(received, { generation: 2 }));
    assert.deepEqual(error.details, { generation: 1 });
    await refused("FENCED", rig.says(received, { generation: "1" }));
    await refused("FENCED", rig.says(received, { wakeId: "w_other" }));
    await refused("FENCED", rig.says(received, { wakeId: undefined }));
    const keys = await rig.all.keys();
    const { nonce } = await rig.record();
    const other = await keys.token({ ...NAME, nonce: "other", generation: 1 });
    await refused("FENCED", rig.says(received, { token: other }));
    const older = await keys.token({ ...NAME, nonce, generation: 0 });
    await refused("FENCED", rig.says(received, { token: older }));
    await rig.says(received, { acks: [{ path: "events/a", offset: 1 }], done: true });
    await refused("FENCED", rig.says(received));
    await refused("FENCED", rig.says(received, { wakeId: undefined }));
  });

  it("is sent again if its worker shows no sign of life, and not if nothing is left", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    (await rig.received()).answer();
    await rig.phase("sent");
    await rig.pass(HOOK.leaseTtlMs - STEP_MS);
    assert.equal(rig.sender.count, 1);
    await rig.pass(STEP_MS);
    const second = await rig.received();
    assert.equal(second.body.generation, 2);
    second.answer();
    await rig.phase("sent");
    await rig.streams.streams.remove("events/a");
    await rig.pass(HOOK.leaseTtlMs);
    assert.equal((await rig.phase(undefined)).generation, 2);
    assert.deepEqual((await rig.record()).streams, []);
  });

  it("is not sent if its stream was removed meanwhile", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    (await rig.received()).answer("", 500);
    await rig.phase("due");
    await rig.streams.streams.remove("events/a");
    await rig.pass(2_000);
    assert.deepEqual([rig.sender.count, (await rig.phase(undefined)).generation], [1, 1]);
  });

  it("waits for a turn if there are too many, with failing ones at the half", async (t) => {
    const rig = await Rig.start(t, undefined, { webhookDeliveries: 2 });
    for (const id of ["a", "b", "c"]) await rig.subscribe({ pattern: id }, { root: "", id });
    for (const id of ["a", "b", "c"]) await rig.streams.create(id, "x");
    await rig.until("two webhooks", () => rig.sender.count === 2);
    await rig.settle();
    assert.equal(rig.sender.count, 2);
    (await rig.received()).answer();
    await rig.until("the third webhook", () => rig.sender.count === 3);
  });

  it("leaves a turn to others if its receiver has failed before", async (t) => {
    const rig = await Rig.start(t, undefined, { webhookDeliveries: 2 });
    for (const id of ["a", "b"]) {
      await rig.subscribe({ pattern: id }, { root: "", id });
      await rig.streams.create(id, "x");
      (await rig.received()).answer("", 500);
      await rig.until("the failure", async () => (await rig.record({ root: "", id })).failures === 1);
    }
    await rig.pass(2_000);
    const repeated = await rig.received();
    await rig.settle();
    assert.equal(rig.sender.count, 3);
    repeated.answer("", 500);
    await rig.until("the other one", () => rig.sender.count === 4);
  });

  it("is broken off by a shutdown, and is sent at once by the next server", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const first = await rig.received();
    await rig.all.stop();
    assert.deepEqual(rig.delivered, []);
    const { wake, failures } = await rig.record();
    assert.deepEqual([wake?.phase, wake?.untilMs, failures], ["due", undefined, 0]);
    await rig.streams.append("events/a", "y");
    await rig.pass(10_000);
    assert.equal(rig.sender.count, 1);
    const next = new Rig(t, rig.streams.store);
    await next.all.start();
    const second = await next.received();
    assert.deepEqual([second.body.wake_id, second.body.generation], [first.body.wake_id, 1]);
    assert.equal(second.body.streams[0]?.tail_offset, "0000000000000002");
  });
});

describe("a pull-wake", () => {
  async function pull(t: TestContext): Promise<Rig> {
    const rig = await Rig.start(t);
    await rig.streams.create("wake", { type: "application/json" });
    await rig.actions.create(NAME, PULL, BASE_URL);
    return rig;
  }

  async function events(rig: Rig): Promise<Record<string, unknown>[]> {
    const lines = ((await rig.streams.text("wake")) ?? "").split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it("appends an event to its stream, which is claimed once", async (t) => {
    const rig = await pull(t);
    await refused("NO_PENDING_WORK", rig.actions.claim(NAME, "one"));
    await rig.streams.create("events/a", "abc");
    await rig.phase("sent");
    assert.deepEqual(await events(rig), [
      { type: "wake", subscription_id: "s", stream: "events/a", generation: 1, ts: Date.now() },
    ]);
    assert.equal((await rig.record()).wake?.untilMs, undefined);
    await rig.pass(10_000);
    assert.equal((await events(rig)).length, 1);
    const claimed = await rig.actions.claim(NAME, "one");
    assert.deepEqual([claimed.generation, claimed.leaseTtlMs, claimed.streams[0]?.has_pending], [1, 5_000, true]);
    assert.equal(claimed.wakeId, (await rig.record()).wake?.id);
    const error = await refused("ALREADY_CLAIMED", rig.actions.claim(NAME, "two"));
    assert.deepEqual(error.details, { current_holder: "one", generation: 1 });
    const { token, wakeId, generation } = claimed;
    const says = (more: Partial<WorkerRequest> = {}): Promise<boolean> =>
      rig.actions.acknowledge(NAME, "pull-wake", { token, wakeId, generation, acks: [], done: false, ...more });
    await rig.pass(4_000);
    assert.equal(await says(), false);
    const { wake } = await rig.record();
    assert.deepEqual([wake?.phase, wake?.holder, wake?.untilMs], ["held", "one", Date.now() + 5_000]);
    assert.equal(await says({ acks: [{ path: "events/a", offset: 3 }], done: true }), false);
    assert.deepEqual([(await rig.record()).wake, (await events(rig)).length], [undefined, 1]);
  });

  it("is given back, and begins anew with what is left", async (t) => {
    const rig = await pull(t);
    await rig.streams.create("events/a", "abc");
    await rig.phase("sent");
    const { token, wakeId, generation } = await rig.actions.claim(NAME, "one");
    const request = { token, wakeId, generation, acks: [], done: false };
    await rig.actions.release(NAME, request);
    await rig.phase("sent");
    assert.deepEqual([(await events(rig)).length, (await rig.record()).generation], [2, 2]);
    await refused("FENCED", rig.actions.release(NAME, request));
    await refused("TOKEN_INVALID", rig.actions.release(NAME, { ...request, token: "x" }));
    await refused("TOKEN_INVALID", rig.actions.release({ root: "", id: "none" }, request));
  });

  it("whose worker vanishes begins anew after its lease", async (t) => {
    const rig = await pull(t);
    await rig.streams.create("events/a", "abc");
    await rig.phase("sent");
    await rig.actions.claim(NAME, "one");
    await rig.pass(4_950);
    assert.equal((await rig.record()).wake?.holder, "one");
    await rig.pass(100);
    await rig.until("the second event", async () => (await events(rig)).length === 2);
  });

  it("is claimed even if its event can't be written, which is tried again", async (t) => {
    const rig = await Rig.start(t);
    await rig.actions.create(NAME, PULL, BASE_URL);
    await rig.streams.create("events/a", "abc");
    await rig.until("the failure", () => rig.delivered.length === 1);
    assert.deepEqual([rig.delivered[0]?.outcome, rig.delivered[0]?.status], ["failed", undefined]);
    assert.match(String(rig.delivered[0]?.error), /wake stream "\/wake"/);
    await rig.streams.create("wake", { type: "text/plain" });
    await rig.pass(2_000);
    await rig.until("the second failure", () => rig.delivered.length === 2);
    assert.equal((await rig.actions.claim(NAME, "one")).generation, 1);
  });

  it("is claimed, acknowledged and given back only as what it is", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    const received = await rig.received();
    received.answer();
    await rig.phase("sent");
    const { callback_token: token, wake_id: wakeId, generation } = received.body;
    const request = { token, wakeId, generation, acks: [], done: false };
    await refused("INVALID_REQUEST", rig.actions.claim(NAME, "one"));
    await refused("INVALID_REQUEST", rig.actions.acknowledge(NAME, "pull-wake", request));
    await refused("INVALID_REQUEST", rig.actions.release(NAME, request));
    await refused("SUBSCRIPTION_NOT_FOUND", rig.actions.claim({ root: "", id: "none" }, "one"));
  });
});

describe("a subscription with as many streams as there may be", () => {
  it("watches no more, which is told to the operator once", async (t) => {
    const rig = await Rig.start(t, undefined, { subscriptionStreams: 1 });
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    (await rig.received()).answer('{"done": true}');
    await rig.phase(undefined);
    await rig.streams.create("events/b", "x");
    await rig.streams.create("events/c", "x");
    await rig.settle();
    assert.equal(rig.sender.count, 1);
    assert.equal(rig.failed.length, 1);
    assert.match(rig.failed[0]?.[1] ?? "", /subscriptionStreams/);
    assert.deepEqual(
      (await rig.record()).streams.map(({ path }) => path),
      ["events/a"],
    );
  });
});
