/** Subscriptions whose workers wait at a stream, and claim their wakes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, Rig } from "./rig.ts";

const S = "__ds/subscriptions/s";

async function subscribed(rig: Rig, more: Record<string, unknown> = {}): Promise<void> {
  const body = { type: "pull-wake", pattern: "events/*", wake_stream: "wake/pool", lease_ttl_ms: 5_000, ...more };
  await rig.expect(201, "PUT", S, body);
}

/** Asserts that the wake stream has the events of these wakes, and no others. */
async function expectWakes(rig: Rig, wakes: readonly number[]): Promise<void> {
  const stored = async (): Promise<unknown[]> => (await rig.expect(200, "GET", "wake/pool")).json;
  await rig.until("the events", async () => (await stored()).length >= wakes.length);
  await rig.settle();
  const events = (await stored()) as Record<string, unknown>[];
  assert.deepEqual(
    events.map(({ type, subscription_id, generation }) => [type, subscription_id, generation]),
    wakes.map((generation) => ["wake", "s", generation]),
  );
}

function says(rig: Rig, { json }: Answer, action: string, more: Record<string, unknown> = {}): Promise<Answer> {
  const { wake_id, generation, token } = json;
  return rig.send("POST", `${S}/${action}`, { wake_id, generation, ...more }, { Authorization: `Bearer ${token}` });
}

describe("a pull-wake", () => {
  test("that no worker claims puts new streams on record, so that the server need not remember any number of them", async (t) => {
    const rig = new Rig(t, { limits: { subscriptionStreams: 3 } });
    await rig.create("wake/pool", []);
    await subscribed(rig);
    await rig.create("events/0");
    await expectWakes(rig, [1]);
    for (let at = 1; at <= 110; at++) await rig.create(`events/${at}`);
    await rig.until("the new streams", async () => (await rig.shown("s")).streams.length === 3);
    await expectWakes(rig, [1]);
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "w" });
    assert.equal(claimed.json.streams.length, 3);
  });

  test("writes an event for each wake, and one worker gets it", async (t) => {
    const rig = new Rig(t);
    await rig.create("wake/pool", []);
    await subscribed(rig);
    assert.equal((await rig.expect(409, "POST", `${S}/claim`, { worker: "w" })).json.error.code, "NO_PENDING_WORK");
    await rig.create("events/a");
    await expectWakes(rig, [1]);
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
    const busy = await rig.expect(409, "POST", `${S}/claim`, { worker: "two" });
    assert.deepEqual(
      [busy.json.error.code, busy.json.error.current_holder, busy.json.error.generation],
      ["ALREADY_CLAIMED", "one", 1],
    );
    const [stream] = claimed.json.streams;
    const acks = [{ stream: "events/a", offset: stream.tail_offset }];
    await rig.append("events/a");
    assert.deepEqual((await says(rig, claimed, "ack", { acks, done: true })).json, { ok: true, next_wake: true });
    await expectWakes(rig, [1, 2]);
  });

  test("that no worker claims stays, and its event is not repeated", async (t) => {
    const rig = new Rig(t);
    await rig.create("wake/pool", []);
    await subscribed(rig);
    await rig.create("events/a");
    await rig.pass(20_000);
    await rig.append("events/a");
    await expectWakes(rig, [1]);
    await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
  });

  test("whose worker vanishes begins anew when the lease is over, which signs of life extend", async (t) => {
    const rig = new Rig(t);
    await rig.create("wake/pool", []);
    await subscribed(rig);
    await rig.create("events/a");
    await rig.settle();
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
    await rig.pass(4_000);
    assert.equal((await says(rig, claimed, "ack")).status, 200);
    await rig.pass(4_000);
    await expectWakes(rig, [1]);
    await rig.pass(1_100);
    await expectWakes(rig, [1, 2]);
    for (const action of ["ack", "release"]) {
      const { status, json } = await says(rig, claimed, action, { done: true });
      assert.deepEqual([status, json.error.code], [409, "FENCED"], action);
    }
  });

  test("that is given back begins anew", async (t) => {
    const rig = new Rig(t);
    await rig.create("wake/pool", []);
    await subscribed(rig);
    await rig.create("events/a");
    await rig.settle();
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
    assert.equal((await says(rig, claimed, "release")).status, 204);
    await expectWakes(rig, [1, 2]);
    assert.equal((await rig.expect(200, "POST", `${S}/claim`, { worker: "two" })).json.generation, 2);
  });

  test("never wakes itself, whatever its pattern matches", async (t) => {
    const rig = new Rig(t);
    await rig.create("wake/pool", []);
    await subscribed(rig, { pattern: "**" });
    await rig.create("a");
    await expectWakes(rig, [1]);
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
    assert.deepEqual(
      claimed.json.streams.map(({ path }: { path: string }) => path),
      ["a"],
    );
  });

  test("waits for its stream if there is none, or another one", async (t) => {
    const rig = new Rig(t);
    await subscribed(rig);
    await rig.expect(200, "POST", "wake/pool?verb=APPEND", "plain");
    await rig.create("events/a");
    await rig.settle();
    assert.equal((await rig.shown("s")).status, "failed");
    await rig.expect(405, "DELETE", "wake/pool");
    await rig.app.streams.remove("wake/pool");
    await rig.create("wake/pool", []);
    await rig.pass(2_500);
    await expectWakes(rig, [1]);
    assert.equal((await rig.shown("s")).status, "active");
  });

  test("can be claimed before its event is written", async (t) => {
    const rig = new Rig(t);
    await subscribed(rig);
    await rig.create("events/a");
    const claimed = await rig.expect(200, "POST", `${S}/claim`, { worker: "one" });
    await rig.create("wake/pool", []);
    await rig.pass(3_000);
    await expectWakes(rig, []);
    assert.equal((await says(rig, claimed, "ack")).status, 200);
  });

  test("is no webhook, and no webhook is claimed", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a");
    const sent = await rig.received();
    assert.equal((await rig.expect(400, "POST", `${S}/claim`, { worker: "one" })).json.error.code, "INVALID_REQUEST");
    assert.equal((await rig.expect(400, "POST", `${S}/claim`, {})).json.error.code, "INVALID_REQUEST");
    const { wake_id, generation, callback_token } = sent.body;
    const headers = { Authorization: `Bearer ${callback_token}` };
    assert.equal((await rig.send("POST", `${S}/ack`, { wake_id, generation }, headers)).status, 400);
  });
});
