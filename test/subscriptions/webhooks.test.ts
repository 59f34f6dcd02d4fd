/** Webhooks: what wakes a worker, what fences it, and when it is woken again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Rig } from "./rig.ts";

const offset = (bytes: number): string => String(bytes).padStart(16, "0");

describe("a webhook", () => {
  test("tells what was appended since the subscription, and nothing of before", async (t) => {
    const rig = new Rig(t);
    await rig.create("events/old", { text: "before" });
    await rig.subscribe("s");
    await rig.settle();
    assert.equal(rig.sender.count, 0);
    await rig.append("events/old", { n: 1 });
    const { body } = await rig.received();
    assert.equal(body.generation, 1);
    assert.deepEqual(body.streams, [
      { path: "events/old", link_type: "glob", acked_offset: offset(18), tail_offset: offset(26), has_pending: true },
    ]);
    assert.equal(body.callback_url, "http://localhost/__ds/subscriptions/s/callback");
  });

  test("of a stream that begins later tells all of it, however it was appended", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s", { pattern: "events/**" });
    await rig.expect(200, "POST", "events/deep/raw.txt?verb=APPEND", "x");
    const { body } = await rig.received();
    assert.deepEqual(
      body.streams.map(({ path, acked_offset, tail_offset }) => [path, acked_offset, tail_offset]),
      [["events/deep/raw.txt", offset(0), offset(3)]],
    );
  });

  test("is not sent for an empty stream, for other paths, or for closing", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.expect(201, "PUT", "events/empty");
    await rig.create("events/deeper/a");
    await rig.create("others/a");
    await rig.expect(204, "POST", "events/empty", undefined, { "Stream-Closed": "true" });
    await rig.settle();
    assert.equal(rig.sender.count, 0);
  });

  test("that answers done has processed what it was told, and is woken for what came since", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a");
    const first = await rig.received();
    await rig.append("events/a");
    await rig.settle();
    assert.equal(rig.sender.waiting, 0, "one wake at a time");
    first.answer('{"done": true}');
    const second = await rig.received();
    assert.equal(second.body.generation, 2);
    assert.notEqual(second.body.wake_id, first.body.wake_id);
    assert.equal(second.body.streams[0]?.acked_offset, first.body.streams[0]?.tail_offset);
    second.answer('{"done": true}');
    const told = second.body.streams[0]?.tail_offset;
    await rig.until("the acknowledgement", async () => (await rig.shown("s")).streams[0].acked_offset === told);
    assert.equal(rig.sender.count, 2);
  });

  test("whose worker shows no sign of life in time is sent again, and its old token is fenced off", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s", { lease_ttl_ms: 5_000 });
    await rig.create("events/a");
    const first = await rig.received();
    first.answer();
    await rig.pass(4_000);
    const acks = [{ stream: "events/a", offset: offset(4) }];
    assert.deepEqual((await rig.callback(first, { acks })).json, { ok: true, next_wake: false });
    await rig.pass(4_900);
    assert.equal(rig.sender.count, 1, "a sign of life extends the lease");
    await rig.pass(200);
    const received = await rig.received();
    assert.equal(received.body.generation, 2);
    assert.equal(received.body.streams[0]?.acked_offset, offset(4));
    const late = await rig.callback(first, { done: true });
    assert.deepEqual([late.status, late.json.error.code], [409, "FENCED"]);
    assert.deepEqual(
      (await rig.callback(received, { acks: [{ stream: "events/a", offset: offset(8) }], done: true })).json,
      {
        ok: true,
        next_wake: false,
      },
    );
  });

  test("that fails is sent again as the same wake, after 1 s to 60 s", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a");
    const first = await rig.received();
    first.fail();
    let count = 1;
    const plannedMs = async (): Promise<number> => {
      await rig.until("the next attempt to be planned", async () => "next_attempt_at" in (await rig.shown("s")));
      return Date.parse((await rig.shown("s")).next_attempt_at) - Date.now();
    };
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await rig.until("the failure to be noted", () => deliveries(rig) === count);
      const leftMs = await plannedMs();
      assert.equal((await rig.shown("s")).status, "failed");
      assert.ok(leftMs >= seconds * 800 && leftMs <= seconds * 1_200, `${leftMs} ms instead of ${seconds} s`);
      await rig.pass(leftMs - 1);
      assert.equal(rig.sender.count, count, `not before ${leftMs} ms`);
      await rig.pass(1);
      const received = await rig.received();
      assert.deepEqual(pick(received.body), pick(first.body));
      count++;
      received.answer("no", 503);
    }
    await rig.until("the failure to be noted", () => deliveries(rig) === count);
    await rig.pass(await plannedMs());
    (await rig.received()).answer('{"done": true}');
    await rig.until("the success to be noted", async () => (await rig.shown("s")).status === "active");
    assert.equal(deliveries(rig), 10);
  });

  test("whose worker has called back meanwhile is not sent again when its answer fails", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s", { lease_ttl_ms: 60_000 });
    await rig.create("events/a");
    const first = await rig.received();
    assert.equal((await rig.callback(first)).status, 200);
    first.fail();
    await rig.until("the failure", () => deliveries(rig) === 1);
    await rig.pass(5_000);
    assert.equal(rig.sender.count, 1);
    assert.equal((await rig.shown("s")).status, "active");
  });

  test("to a dead receiver holds up neither appends nor other webhooks", async (t) => {
    const rig = new Rig(t, { limits: { webhookDeliveries: 2 } });
    for (const id of ["dead-1", "dead-2", "alive"]) {
      await rig.subscribe(id, { pattern: `${id}/*`, lease_ttl_ms: 600_000 });
    }
    await rig.create("dead-1/a");
    await rig.create("dead-2/a");
    for (const dead of [await rig.received(), await rig.received()]) dead.fail();
    await rig.until("both failures", () => deliveries(rig) === 2);
    await rig.pass(1_300);
    await rig.until("the next attempt", () => rig.sender.count === 3);
    await rig.settle();
    assert.equal(rig.sender.count, 3, "dead receivers have one of two slots");
    await rig.create("alive/a");
    await rig.append("dead-1/a");
    let last = await rig.received();
    assert.match(last.url, /dead/);
    last = await rig.received();
    assert.match(last.url, /alive/);
  });

  test("is sent to one receiver at a time only as often as the server allows", async (t) => {
    const rig = new Rig(t, { limits: { webhookDeliveries: 2 } });
    for (const id of ["a", "b", "c"]) await rig.subscribe(id);
    await rig.create("events/a");
    await rig.settle();
    await rig.until("two webhooks", () => rig.sender.count === 2);
    await rig.settle();
    assert.equal(rig.sender.count, 2);
    (await rig.received()).answer('{"done": true}');
    await rig.until("the third webhook", () => rig.sender.count === 3);
  });

  test("tells nothing of a stream that was removed, and all of one that was made anew", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a", { long: "text" });
    (await rig.received()).answer('{"done": true}');
    await rig.until("the acknowledgement", async () => (await rig.shown("s")).streams[0].acked_offset !== offset(0));
    await rig.expect(204, "DELETE", "events/a");
    await rig.until("the stream to be gone", async () => (await rig.shown("s")).streams.length === 0);
    await rig.create("events/a", 1);
    const { body } = await rig.received();
    assert.deepEqual([body.streams[0]?.acked_offset, body.streams[0]?.tail_offset], [offset(0), offset(2)]);
  });

  test("is not answered for by the token of another subscription, or of a removed one", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.subscribe("other", { pattern: "others/*" });
    await rig.create("events/a");
    const first = await rig.received();
    const headers = { Authorization: `Bearer ${first.body.callback_token}` };
    const { wake_id, generation } = first.body;
    const foreign = await rig.send("POST", "__ds/subscriptions/other/callback", { wake_id, generation }, headers);
    assert.deepEqual([foreign.status, foreign.json.error.code], [401, "TOKEN_INVALID"]);
    const without = await rig.send("POST", "__ds/subscriptions/s/callback", { wake_id, generation });
    assert.equal(without.status, 401);
    await rig.expect(204, "DELETE", "__ds/subscriptions/s");
    const gone = await rig.callback(first, { done: true });
    assert.deepEqual([gone.status, gone.json.error.code], [404, "SUBSCRIPTION_NOT_FOUND"]);
    await rig.subscribe("s");
    const again = await rig.callback(first, { done: true });
    assert.deepEqual([again.status, again.json.error.code], [409, "FENCED"]);
  });

  test("acknowledges no offset that goes back, or that is past the end", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a");
    const first = await rig.received();
    const refused = [
      [{ stream: "events/a", offset: offset(9) }],
      [{ stream: "events/b", offset: offset(0) }],
      [{ stream: "events/a", offset: "-1" }],
      [
        { stream: "events/a", offset: offset(8) },
        { stream: "events/a", offset: offset(4) },
      ],
    ];
    for (const acks of refused) {
      const { status, json } = await rig.callback(first, { acks });
      assert.deepEqual([status, json.error.code], [409, "INVALID_OFFSET"], JSON.stringify(acks));
    }
    assert.equal((await rig.shown("s")).streams[0].acked_offset, offset(0));
  });
});

/** The deliveries in the log. */
function deliveries(rig: Rig): number {
  return rig.events.filter(({ type }) => type === "delivery").length;
}

function pick({
  wake_id,
  generation,
  callback_token,
}: {
  wake_id: string;
  generation: number;
  callback_token: string;
}) {
  return { wake_id, generation, callback_token };
}
