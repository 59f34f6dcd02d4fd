/** The control paths of subscriptions: what is refused, and what is found. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createStreams, memoryStore } from "../../src/index.ts";
import { Rig } from "./rig.ts";

const HOOK = { type: "webhook", pattern: "events/*", webhook: { url: "https://hooks.example/" } };

describe("the control paths of subscriptions", () => {
  test("do not exist unless they are switched on", async (t) => {
    const streams = createStreams({ store: memoryStore() });
    t.after(() => streams.shutdown());
    const headers = { Host: "localhost", "Content-Type": "application/json" };
    const url = "http://localhost/__ds/subscriptions/s";
    for (const method of ["PUT", "POST"]) {
      const response = await streams.app.request(url, { method, headers, body: "{}" });
      assert.equal(response.status, 404);
      assert.match(await response.text(), /--webhooks/);
    }
    assert.equal((await streams.app.request(url)).status, 404);
    assert.equal((await streams.app.request("http://localhost/__ds/jwks.json")).status, 404);
  });

  test("need Durable Streams, and a store that keeps subscriptions", () => {
    assert.throws(
      () => createStreams({ store: memoryStore(), webhooks: true, durableStreams: false }),
      /durableStreams/,
    );
    const { subscriptions: _, ...plain } = Object.getOwnPropertyDescriptors(memoryStore());
    const store = Object.defineProperties(Object.create(Object.getPrototypeOf(memoryStore())), plain);
    assert.throws(() => createStreams({ store, webhooks: true }), /"webhooks"/);
    assert.throws(() => createStreams({ store: memoryStore(), webhooks: true, publicUrl: "example.com" }), TypeError);
  });

  test("report what they refuse to the log, with the status", async (t) => {
    const rig = new Rig(t);
    const refusals = (): unknown[] =>
      rig.events.flatMap((event) => (event.type === "refusal" ? [[event.method, event.status, event.code]] : []));
    await rig.expect(400, "PUT", "__ds/subscriptions/s", {});
    await rig.expect(404, "GET", "__ds/subscriptions/s");
    await rig.expect(405, "PATCH", "__ds/subscriptions/s", {});
    assert.deepEqual(refusals(), [
      ["PUT", 400, "bad_request"],
      ["GET", 404, "not_found"],
      ["PATCH", 405, "method_not_allowed"],
    ]);
  });

  test("refuse what is no subscription", async (t) => {
    const rig = new Rig(t);
    const bodies = [
      ...[undefined, [], "text", {}, { ...HOOK, type: "mail" }, { ...HOOK, pattern: "" }, { ...HOOK, pattern: "a//b" }],
      ...[
        { ...HOOK, pattern: "a**" },
        { ...HOOK, webhook: {} },
        { ...HOOK, webhook: "https://hooks.example/" },
      ],
      ...[
        { ...HOOK, lease_ttl_ms: 999 },
        { ...HOOK, lease_ttl_ms: 600_001 },
        { ...HOOK, lease_ttl_ms: 1_000.5 },
      ],
      ...[
        { ...HOOK, streams: "a" },
        { ...HOOK, streams: [1] },
        { ...HOOK, streams: ["../a"] },
        { ...HOOK, streams: ["\ud800"] },
      ],
      ...[
        { type: "pull-wake", pattern: "a" },
        { type: "pull-wake", pattern: "a", wake_stream: "a//b" },
      ],
    ];
    for (const body of bodies) {
      const { status, json } = await rig.send("PUT", "__ds/subscriptions/s", body);
      assert.deepEqual([status, json.error?.code], [400, "INVALID_REQUEST"], JSON.stringify(body));
    }
    await rig.expect(404, "GET", "__ds/subscriptions/s");
  });

  test("take no more than JSON that any parser can read", async (t) => {
    const rig = new Rig(t);
    let deep: unknown = [];
    for (let depth = 1; depth < 999; depth++) deep = [deep];
    await rig.expect(201, "PUT", "__ds/subscriptions/s", { ...HOOK, deep });
    await rig.expect(400, "PUT", "__ds/subscriptions/s", { ...HOOK, deep: [[deep]] });
  });

  test("read nothing of a worker that shows no token of a wake", async (t) => {
    const rig = new Rig(t);
    await rig.subscribe("s");
    await rig.create("events/a");
    const { body } = await rig.received();
    await rig.expect(201, "PUT", "__ds/subscriptions/other", HOOK);
    const own = `Bearer ${body.callback_token}`;
    const cases = ["Bearer x", "Bearer 1.x.y", "Basic eDp5", undefined, `${own}x`].map(
      (shown) => ["s", shown] as const,
    );
    for (const [id, shown] of [...cases, ["other", own] as const, ["none", own] as const]) {
      for (const what of ["callback", "ack", "release"]) {
        let isRead = false;
        const pull = (): void => {
          isRead = true;
        };
        const { status, text } = await held(rig, "POST", `__ds/subscriptions/${id}/${what}`, { pull, shown });
        assert.deepEqual(
          [status, JSON.parse(text).error.code, isRead],
          [401, "TOKEN_INVALID", false],
          `${what} ${shown}`,
        );
      }
    }
    // What the body says is wrong as well.
    const wrong = { acks: [{ stream: "events/a", offset: "x" }] };
    await rig.expect(401, "POST", "__ds/subscriptions/s/callback", wrong, { Authorization: "Bearer x" });
    await rig.expect(409, "POST", "__ds/subscriptions/s/callback", wrong, { Authorization: own });
    await rig.expect(204, "DELETE", "__ds/subscriptions/s");
    const { status } = await held(rig, "POST", "__ds/subscriptions/s/callback", { shown: own });
    assert.equal(status, 404);
  });

  test("take a slot among the connections for a body of more than 64 KiB", async (t) => {
    const rig = new Rig(t, { limits: { connections: 1 } });
    await rig.subscribe("s");
    await rig.create("events/a");
    const { body } = await rig.received();
    const shown = `Bearer ${body.callback_token}`;
    const requests: readonly (readonly [method: string, path: string, json: unknown])[] = [
      ["PUT", "__ds/subscriptions/new", HOOK],
      ["POST", "__ds/subscriptions/s/streams", { streams: ["b"] }],
      ["POST", "__ds/subscriptions/s/claim", { worker: "w" }],
      ["POST", "__ds/subscriptions/s/callback", {}],
      ["POST", "__ds/subscriptions/s/ack", {}],
      ["POST", "__ds/subscriptions/s/release", {}],
    ];
    let end = (): void => {};
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const long = held(rig, "PUT", "__ds/subscriptions/long", {
      pull: (controller) => {
        end = () => {
          controller.enqueue(new TextEncoder().encode(JSON.stringify(HOOK)));
          controller.close();
        };
        begin();
      },
    });
    await begun;
    const padding = " ".repeat(64 * 1024);
    const send = async ([method, path, json]: (typeof requests)[number], padded: string): Promise<[number, string]> => {
      const text = JSON.stringify(json) + padded;
      const headers = { Host: "localhost", "Content-Length": String(text.length), Authorization: shown };
      const response = await rig.app.request(`http://localhost/${path}`, { method, headers, body: text });
      return [response.status, await response.text()];
    };
    for (const request of requests) {
      const [status, text] = await send(request, padding);
      assert.equal(status, 503, request[1]);
      assert.match(text, /which is its limit \(connections\)/);
    }
    for (const request of requests) assert.notEqual((await send(request, ""))[0], 503, request[1]);
    end();
    assert.equal((await long).status, 201);
    for (const request of requests) assert.notEqual((await send(request, padding))[0], 503, request[1]);
  });

  test("know their methods, and nothing else", async (t) => {
    const rig = new Rig(t);
    const { headers } = await rig.expect(405, "POST", "__ds/subscriptions/s");
    assert.equal(headers.get("allow"), "GET, HEAD, PUT, DELETE");
    await rig.expect(405, "PUT", "__ds/jwks.json", {});
    for (const path of [
      "__ds",
      "__ds/",
      "__ds/x",
      "__ds/subscriptions",
      "__ds/subscriptions/s/x",
      "__ds/subscriptions/s/claim/x",
    ]) {
      const { status, json } = await rig.send("GET", path);
      assert.deepEqual([status, json.error?.code], [404, "SUBSCRIPTION_NOT_FOUND"], path);
    }
    await rig.expect(400, "GET", "__ds/subscriptions/a%2Fb");
    const preflight = await rig.send("OPTIONS", "__ds/subscriptions/s");
    assert.equal(preflight.status, 204);
  });

  test("are apart for each folder in front of them, which their paths are relative to", async (t) => {
    const rig = new Rig(t);
    await rig.expect(201, "PUT", "a/__ds/subscriptions/s", HOOK);
    await rig.expect(404, "GET", "__ds/subscriptions/s");
    await rig.create("events/x");
    await rig.create("b/events/x");
    await rig.settle();
    assert.equal(rig.sender.count, 0);
    await rig.create("a/events/x");
    const { body } = await rig.received();
    assert.equal(body.streams[0]?.path, "events/x");
    assert.equal(body.callback_url, "http://localhost/a/__ds/subscriptions/s/callback");
  });

  test("confirm the same configuration, and refuse another one", async (t) => {
    const rig = new Rig(t);
    await rig.expect(201, "PUT", "__ds/subscriptions/s", { ...HOOK, streams: ["b", "/a/"] });
    await rig.expect(200, "PUT", "__ds/subscriptions/s", { ...HOOK, streams: ["a", "b", "a"], lease_ttl_ms: 30_000 });
    for (const other of [{ streams: ["a"] }, { lease_ttl_ms: 1_000 }, { description: "x" }, { pattern: "events/**" }]) {
      const { status, json } = await rig.send("PUT", "__ds/subscriptions/s", {
        ...HOOK,
        streams: ["a", "b"],
        ...other,
      });
      assert.deepEqual([status, json.error.code], [409, "SUBSCRIPTION_ALREADY_EXISTS"], JSON.stringify(other));
    }
  });

  test("add streams, which a pattern may match as well", async (t) => {
    const rig = new Rig(t);
    await rig.create("events/a");
    await rig.subscribe("s");
    await rig.expect(204, "POST", "__ds/subscriptions/s/streams", { streams: ["events/a", "other/b"] });
    const linked = async (): Promise<[string, string][]> => {
      const { streams } = await rig.shown("s");
      return streams.map(({ path, link_type }: { path: string; link_type: string }) => [path, link_type]);
    };
    assert.deepEqual(await linked(), [
      ["events/a", "explicit"],
      ["other/b", "explicit"],
    ]);
    await rig.create("other/b");
    assert.equal((await rig.received()).body.streams[1]?.has_pending, true);
    await rig.expect(204, "DELETE", "__ds/subscriptions/s/streams/events%2Fa");
    await rig.expect(204, "DELETE", "__ds/subscriptions/s/streams/other/b");
    await rig.expect(204, "DELETE", "__ds/subscriptions/s/streams/unknown");
    assert.deepEqual(await linked(), [["events/a", "glob"]]);
  });

  test("take only so many subscriptions and streams", async (t) => {
    const rig = new Rig(t, { limits: { subscriptions: 1, subscriptionStreams: 2 } });
    const many = await rig.send("PUT", "__ds/subscriptions/s", { ...HOOK, streams: ["a", "b", "c"] });
    assert.deepEqual([many.status, many.json.error.code], [429, "TOO_MANY"]);
    await rig.subscribe("s");
    const second = await rig.send("PUT", "__ds/subscriptions/t", HOOK);
    assert.deepEqual([second.status, second.json.error.code], [429, "TOO_MANY"]);
    for (const name of ["a", "b", "c"]) await rig.create(`events/${name}`);
    (await rig.received()).answer('{"done": true}');
    const { body } = await rig.received();
    assert.deepEqual(
      body.streams.map(({ path }) => path),
      ["events/a", "events/b"],
    );
    assert.equal(
      (await rig.expect(429, "POST", "__ds/subscriptions/s/streams", { streams: ["x"] })).json.error.code,
      "TOO_MANY",
    );
  });

  test("are closed to pages of other origins, unless they only read", async (t) => {
    const rig = new Rig(t);
    const foreign = { Origin: "https://evil.example" };
    await rig.expect(403, "PUT", "__ds/subscriptions/s", HOOK, foreign);
    await rig.subscribe("s");
    await rig.expect(403, "DELETE", "__ds/subscriptions/s", undefined, foreign);
    for (const action of ["claim", "callback", "ack", "release", "streams"]) {
      await rig.expect(403, "POST", `__ds/subscriptions/s/${action}`, {}, foreign);
    }
    await rig.expect(200, "GET", "__ds/subscriptions/s", undefined, foreign);
    await rig.expect(204, "OPTIONS", "__ds/subscriptions/s", undefined, foreign);
  });
});

interface Held {
  readonly pull?: (controller: ReadableStreamDefaultController<Uint8Array>) => void;
  /** The header `Authorization`. */
  readonly shown?: string | undefined;
}

/** Sends a request whose body only comes as the test says. */
async function held(
  rig: Rig,
  method: string,
  path: string,
  { pull = () => {}, shown }: Held,
): Promise<{ status: number; text: string }> {
  const response = await rig.app.request(`http://localhost/${path}`, {
    method,
    headers: { Host: "localhost", "Content-Length": "1000000", ...(shown !== undefined && { Authorization: shown }) },
    body: new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }),
    duplex: "half",
  } as RequestInit);
  return { status: response.status, text: await response.text() };
}
