/** The gate is asked about each control path, and about everything that a subscription names. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AccessRequest } from "../../src/index.ts";
import { Rig } from "./rig.ts";

const HOOK = { type: "webhook", webhook: { url: "https://hooks.example/" } };
const S = "__ds/subscriptions/s";

/** Each request that goes through the gate, and what the gate is asked first. */
const ASKING: readonly (readonly [method: string, path: string, body: unknown, asked: string])[] = [
  ["GET", S, undefined, `read /${S}`],
  ["HEAD", S, undefined, `read /${S}`],
  ["PUT", S, { ...HOOK, streams: ["a"] }, `append /${S}`],
  ["DELETE", S, undefined, `delete /${S}`],
  ["POST", `${S}/streams`, { streams: ["a"] }, `append /${S}`],
  ["DELETE", `${S}/streams/a/b`, undefined, `append /${S}`],
  ["POST", `${S}/claim`, { worker: "w" }, `append /${S}`],
  ["GET", `below/${S}`, undefined, `read /below/${S}`],
];

const asText = ({ action, path }: AccessRequest): string => `${action} /${path}`;

describe("the gate in front of subscriptions", () => {
  test("is asked about each request, and a refusal is final", async (t) => {
    const asked: string[] = [];
    const rig = new Rig(t, {
      authorize: (request) => {
        asked.push(asText(request));
        return false;
      },
    });
    for (const [method, path, body, want] of ASKING) {
      asked.length = 0;
      await rig.expect(403, method, path, body);
      assert.deepEqual(asked, [want], `${method} /${path}`);
    }
    await rig.expect(200, "GET", "__ds/jwks.json");
    for (const action of ["callback", "ack", "release"]) {
      asked.length = 0;
      const { status, json } = await rig.send("POST", `${S}/${action}`, {}, { Authorization: "Bearer 1.x.y" });
      assert.deepEqual([status, json.error.code, asked], [401, "TOKEN_INVALID", []], action);
    }
  });

  test("is not asked about each of more streams than a subscription may have", async (t) => {
    const asked: string[] = [];
    const rig = new Rig(t, {
      limits: { subscriptionStreams: 2 },
      authorize: (request) => {
        asked.push(asText(request));
        return true;
      },
    });
    await rig.subscribe("s");
    const streams = ["a", "b", "c"];
    for (const [method, path] of [
      ["POST", `${S}/streams`],
      ["PUT", S],
    ] as const) {
      asked.length = 0;
      const { status, json } = await rig.send(method, path, { ...HOOK, streams });
      assert.deepEqual([status, json.error.code, asked], [429, "TOO_MANY", [`append /${S}`]], method);
    }
    asked.length = 0;
    await rig.expect(204, "POST", `${S}/streams`, { streams: ["a", "b", "a", "/b/"] });
    assert.deepEqual(asked, [`append /${S}`, "read /a", "read /b"]);
  });

  test("is asked about each stream that is named, and about the stream of the events", async (t) => {
    const asked: string[] = [];
    let refused = "";
    const rig = new Rig(t, {
      authorize: (request) => {
        asked.push(asText(request));
        return asText(request) !== refused;
      },
    });
    const pull = { type: "pull-wake", streams: ["b", "a"], wake_stream: "wake/pool" };
    for (refused of ["read /root/a", "read /root/b", "append /root/wake/pool"]) {
      await rig.expect(403, "PUT", `root/${S}`, pull);
    }
    refused = "";
    asked.length = 0;
    await rig.expect(201, "PUT", `root/${S}`, pull);
    assert.deepEqual(asked, [`append /root/${S}`, "read /root/a", "read /root/b", "append /root/wake/pool"]);
    refused = "read /root/c";
    await rig.expect(403, "POST", `root/${S}/streams`, { streams: ["a", "c"] });
    refused = "";
    const { json } = await rig.expect(200, "GET", `root/${S}`);
    assert.deepEqual(
      json.streams.map(({ path }: { path: string }) => path),
      ["a", "b"],
    );
  });

  test("must allow every name and depth that a pattern may match", async (t) => {
    let may = (_: string): boolean => true;
    const rig = new Rig(t, { authorize: ({ action, path }) => action !== "read" || may(path) });
    const create = async (pattern: string): Promise<number> => {
      const { status } = await rig.send("PUT", `__ds/subscriptions/${crypto.randomUUID()}`, { ...HOOK, pattern });
      return status;
    };
    may = (path) => /^events\/[^/]+$/.test(path);
    assert.equal(await create("events/*"), 201);
    assert.equal(await create("events/a*"), 201);
    for (const pattern of ["events/**", "**", "*", "events/*/x", "*/*", "events/*/**"])
      assert.equal(await create(pattern), 403, pattern);
    may = (path) => path === "events/a" || path === "events/*" || path === "events/**";
    for (const pattern of ["events/*", "events/**"]) assert.equal(await create(pattern), 403, pattern);
    assert.equal(await create("events/a"), 201);
    may = (path) => path.startsWith("events/") || path === "events";
    assert.equal(await create("events/**"), 201);
  });

  test("lets the worker of a wake pass that shows the token of the wake", async (t) => {
    let isOpen = true;
    const rig = new Rig(t, { authorize: () => isOpen });
    await rig.subscribe("s");
    await rig.create("events/a");
    const first = await rig.received();
    isOpen = false;
    assert.equal((await rig.callback(first, { done: true })).status, 200);
  });
});
