/** Subscriptions of servers that are killed, and of several servers on one root. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { JSON_TYPE, StreamServer, sendTo } from "../durable/streams.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { assertSigned, type Received, Receiver } from "../fixture/webhooks.ts";

const ARGS = ["--webhooks"];

/** Of a server that dies while it sends: the others wait for this time before they repeat it. */
const BRIEF = [...ARGS, "--limit", "webhookTimeoutMs=1000"];
const DONE = '{"done": true}';

async function subscribe(url: string, id: string, hook: string, more: Record<string, unknown> = {}): Promise<void> {
  const body = { type: "webhook", pattern: `${id}/*`, webhook: { url: hook }, lease_ttl_ms: 600_000, ...more };
  const { status, text } = await sendTo(url, "PUT", `__ds/subscriptions/${id}`, JSON_TYPE, JSON.stringify(body));
  assert.equal(status, 201, text);
}

async function shown(url: string, id: string) {
  const { text } = await sendTo(url, "GET", `__ds/subscriptions/${id}`);
  return JSON.parse(text) as { status: string; streams: { path: string; acked_offset: string }[] };
}

async function keysOf(url: string) {
  return JSON.parse((await sendTo(url, "GET", "__ds/jwks.json")).text) as { keys: { kid: string }[] };
}

/** Sends what the worker of a webhook says to a server. */
function callback(url: string, { body }: Received, more: Record<string, unknown> = {}) {
  const { subscription_id: id, wake_id, generation, callback_token } = body;
  const headers = { ...JSON_TYPE, Authorization: `Bearer ${callback_token}` };
  return sendTo(
    url,
    "POST",
    `__ds/subscriptions/${id}/callback`,
    headers,
    JSON.stringify({ wake_id, generation, ...more }),
  );
}

describe("subscriptions of a server that is killed", { timeout: 120_000 }, () => {
  test("go on with their keys, their cursors, their wakes and their fences", async (t) => {
    const receiver = await Receiver.start();
    const server = await StreamServer.start({ args: ARGS });
    t.after(() => Promise.all([server.remove(), receiver.stop()]));
    await subscribe(server.url, "s", receiver.url);
    const keys = await keysOf(server.url);
    await server.expect(201, "PUT", "s/a", JSON_TYPE, "[1,2]");
    const first = await receiver.next();
    assertSigned(first, keys);
    first.answer(DONE);
    const told = first.body.streams[0]?.tail_offset;
    await until("the acknowledgement", async () => (await shown(server.url, "s")).streams[0]?.acked_offset === told);
    await server.expect(204, "POST", "s/a", JSON_TYPE, "3");
    const second = await receiver.next();
    second.answer();
    await until("the lease", async () => (await callback(server.url, second)).status === 200);
    await server.crash();
    assert.deepEqual(await keysOf(server.url), keys);
    assert.equal((await shown(server.url, "s")).streams[0]?.acked_offset, told);
    assert.equal((await callback(server.url, first)).status, 409, "an old wake stays fenced off");
    const acks = [{ stream: "s/a", offset: second.body.streams[0]?.tail_offset }];
    assert.deepEqual(JSON.parse((await callback(server.url, second, { acks, done: true })).text), {
      ok: true,
      next_wake: false,
    });
    await server.expect(204, "POST", "s/a", JSON_TYPE, "4");
    const third = await receiver.next();
    assert.equal(third.body.generation, 3);
    assertSigned(third, keys);
  });

  test("repeat a webhook that was being sent", async (t) => {
    const receiver = await Receiver.start();
    const server = await StreamServer.start({ args: BRIEF });
    t.after(() => Promise.all([server.remove(), receiver.stop()]));
    await subscribe(server.url, "s", receiver.url);
    await server.expect(201, "PUT", "s/a", JSON_TYPE, "[1]");
    const first = await receiver.next();
    await server.crash();
    const again = await receiver.next();
    assert.deepEqual(
      [again.body.wake_id, again.body.generation, again.body.callback_token],
      [first.body.wake_id, 1, first.body.callback_token],
    );
  });

  test("keep to the plan of the next attempt", async (t) => {
    const receiver = await Receiver.start();
    const server = await StreamServer.start({ args: ARGS });
    t.after(() => Promise.all([server.remove(), receiver.stop()]));
    await subscribe(server.url, "s", receiver.url);
    await server.expect(201, "PUT", "s/a", JSON_TYPE, "[1]");
    (await receiver.next()).answer("", 500);
    const planned = async () => ((await shown(server.url, "s")) as { next_attempt_at?: string }).next_attempt_at;
    await until("the failure", async () => (await planned()) !== undefined);
    const at = await planned();
    await server.crash();
    assert.equal((await shown(server.url, "s")).status, "failed");
    assert.ok((await planned()) === at || receiver.all.length > 1);
    assert.equal((await receiver.next()).body.generation, 1);
  });

  test("wake their workers for what was appended just before", async (t) => {
    const receiver = await Receiver.start();
    const server = await StreamServer.start({ args: ARGS });
    t.after(() => Promise.all([server.remove(), receiver.stop()]));
    await subscribe(server.url, "s", receiver.url);
    // As a crash leaves it between the append and the wake: no subscription knows of the stream.
    await server.crash(() => {
      writeFileSync(server.file("s-made-by-hand"), "");
      writeFileSync(join(server.root, "s.tmp"), "");
    });
    await server.crash(async () => {
      const other = await startStandalone("node", { root: server.root });
      assert.equal((await sendTo(other.url, "PUT", "s/a", JSON_TYPE, "[1]")).status, 201);
      await other.kill9();
    });
    const { body } = await receiver.next();
    assert.deepEqual(
      body.streams.map(({ path, acked_offset }) => [path, acked_offset]),
      [["s/a", "0000000000000000"]],
    );
  });

  test("keep their key from other users, and a damaged record harms no other", async (t) => {
    const receiver = await Receiver.start();
    const server = await StreamServer.start({ args: ARGS });
    t.after(() => Promise.all([server.remove(), receiver.stop()]));
    await subscribe(server.url, "s", receiver.url);
    await subscribe(server.url, "t", receiver.url);
    const folder = join(server.root, ".httpfstream", "subscriptions");
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    assert.match(readFileSync(join(folder, "keys"), "utf8"), /"d":/);
    await server.crash(() => {
      const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
      const damaged = names.find((name) => readFileSync(join(folder, name), "utf8").includes('"id":"t"'));
      writeFileSync(join(folder, damaged ?? ""), '{"id":');
      writeFileSync(join(folder, `${"0".repeat(40)}.json`), "null");
    });
    assert.equal((await sendTo(server.url, "GET", "__ds/subscriptions/t")).status, 404);
    await server.expect(201, "PUT", "s/a", JSON_TYPE, "[1]");
    assert.equal((await receiver.next()).body.subscription_id, "s");
  });
});

describe("subscriptions of two servers on one root", { timeout: 120_000 }, () => {
  let one: StreamServer;
  let two: TestServer;
  let receiver: Receiver;

  before(async () => {
    receiver = await Receiver.start();
    one = await StreamServer.start({ args: ARGS });
    two = await one.another();
  });
  after(async () => {
    await two?.kill9();
    await one?.remove();
    await receiver?.stop();
  });

  test("are sent once per wake, and both take callbacks", async () => {
    await subscribe(one.url, "both", receiver.url);
    await until(
      "the other server to know",
      async () => (await sendTo(two.url, "GET", "__ds/subscriptions/both")).status === 200,
    );
    await one.expect(201, "PUT", "both/a", JSON_TYPE, "[0]");
    for (let round = 1; round <= 6; round++) {
      const received = await receiver.next();
      assert.equal(received.body.generation, round);
      received.answer();
      const server = round % 2 === 0 ? one.url : two.url;
      const acks = [{ stream: "both/a", offset: received.body.streams[0]?.tail_offset }];
      const answer = await callback(server, received, { acks, done: true });
      assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { ok: true, next_wake: false }]);
      const appended = await sendTo(round % 3 === 0 ? one.url : two.url, "POST", "both/a", JSON_TYPE, "[1]");
      assert.equal(appended.status, 204, appended.text);
    }
    assert.equal((await receiver.next()).body.generation, 7);
    assert.deepEqual(
      receiver.all.map(({ body }) => body.generation),
      [1, 2, 3, 4, 5, 6, 7],
    );
  });

  test("are sent by the other one when one is killed", async () => {
    const third = await startStandalone("node", { root: one.root, args: BRIEF });
    await subscribe(third.url, "left", receiver.url);
    await until(
      "the others to know",
      async () => (await sendTo(two.url, "GET", "__ds/subscriptions/left")).status === 200,
    );
    assert.equal((await sendTo(third.url, "PUT", "left/a", JSON_TYPE, "[0]")).status, 201);
    const first = await receiver.next();
    receiver.respond = ({ body }) => (body.wake_id === first.body.wake_id ? DONE : undefined);
    await third.kill9();
    const again = await receiver.next();
    assert.equal(again.body.wake_id, first.body.wake_id);
    const told = again.body.streams[0]?.tail_offset;
    await until("the acknowledgement", async () => (await shown(two.url, "left")).streams[0]?.acked_offset === told);
  });
});

describe("webhooks on each runtime", { timeout: 120_000 }, () => {
  for (const runtime of RUNTIMES) {
    test(`are signed, sent to the checked address and follow no redirect, on ${runtime}`, async (t) => {
      const receiver = await Receiver.start();
      const server = await startStandalone(runtime, { args: ARGS });
      t.after(() => Promise.all([server.stop(), receiver.stop()]));
      await subscribe(server.url, "s", receiver.url.replace("127.0.0.1", "localhost"));
      assert.equal((await sendTo(server.url, "PUT", "s/a", JSON_TYPE, "[1]")).status, 201);
      const first = await receiver.next();
      assertSigned(first, await keysOf(server.url));
      first.answer("", 307);
      const second = await receiver.next();
      assert.equal(second.body.wake_id, first.body.wake_id);
      second.answer("x".repeat(20_000));
      const third = await receiver.next();
      third.answer(DONE);
      const told = third.body.streams[0]?.tail_offset;
      await until("the acknowledgement", async () => (await shown(server.url, "s")).streams[0]?.acked_offset === told);
      const refused = await sendTo(
        server.url,
        "PUT",
        "__ds/subscriptions/private",
        JSON_TYPE,
        JSON.stringify({
          ...{ type: "webhook", pattern: "*", webhook: { url: "https://10.0.0.1/" } },
        }),
      );
      assert.match(refused.text, /WEBHOOK_URL_REJECTED/);
    });
  }
});
