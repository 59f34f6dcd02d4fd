/** The id of a request in an app of one's own: Hono's middleware, the events, the log and CORS. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { createStreams, fstream, type LogEvent, memoryStore, type StreamEvent } from "../../src/index.ts";

const HOST = { Host: "localhost" };

it("is the one that Hono's requestId() has chosen", async () => {
  const log: LogEvent[] = [];
  const app = new Hono();
  app.use(requestId({ generator: () => "from-hono", headerName: "X-Trace" }));
  app.route("/s", fstream({ store: memoryStore(), log: (event) => log.push(event) }));
  const response = await app.request("/s/none", { headers: { ...HOST, "X-Request-Id": "from-client" } });
  assert.equal(response.headers.get("X-Request-Id"), "from-hono");
  assert.deepEqual(
    log.map((event) => "requestId" in event && event.requestId),
    ["from-hono", "from-hono"],
  );
});

it("is not the one of a generator whose ids can't be logged", async () => {
  const app = new Hono();
  app.use(requestId({ generator: () => "a b" }));
  app.route("/s", fstream({ store: memoryStore() }));
  const response = await app.request("/s/none", { headers: HOST });
  assert.match(response.headers.get("X-Request-Id") ?? "", /^[\w-]{36}$/);
});

it("is in the events that the request causes, and missing in those that the program causes", async () => {
  const events: StreamEvent[] = [];
  const streams = createStreams({ store: memoryStore(), deletes: "all", onEvent: (event) => events.push(event) });
  const send = async (id: string, method: string, target: string): Promise<void> => {
    const headers = { ...HOST, "X-Request-Id": id };
    const body = method === "PUT" ? { body: "abc" } : {};
    await (await streams.app.request(target, { method, headers, ...body })).text();
  };
  await send("put", "PUT", "/a.txt?verb=APPEND");
  await send("follow", "GET", "/a.txt?verb=FOLLOW");
  await send("none", "GET", "/none.txt");
  await send("delete", "DELETE", "/a.txt");
  await streams.append("b.txt", "abc");
  await streams.remove("b.txt");
  await streams.shutdown();
  assert.deepEqual(
    events.map(({ type, requestId }) => `${type} ${requestId}`),
    [
      ...["began put", "ended put", "began follow", "ended follow", "refused none", "removed delete"],
      ...["began undefined", "ended undefined", "removed undefined"],
    ],
  );
});

it("is in the line about a failure, so that the operator finds what a client reports", async () => {
  const log: LogEvent[] = [];
  const store = Object.assign(memoryStore(), { stat: () => Promise.reject(new Error("broken disk")) });
  const streams = createStreams({ store, log: (event) => log.push(event) });
  const response = await streams.app.request("/a.txt", { headers: { ...HOST, "X-Request-Id": "lost-42" } });
  assert.deepEqual([response.status, response.headers.get("X-Request-Id")], [500, "lost-42"]);
  const failure = log.find(({ type }) => type === "error");
  assert.ok(failure?.type === "error");
  assert.equal(failure.requestId, "lost-42");
  await streams.shutdown();
});

it("can be read by pages of other origins", async () => {
  const app = fstream({ store: memoryStore(), cors: true });
  const response = await app.request("/none", { headers: { ...HOST, Origin: "https://a.example" } });
  assert.match(response.headers.get("Access-Control-Expose-Headers") ?? "", /\bX-Request-Id\b/);
});
