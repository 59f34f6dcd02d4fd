/** Errors that bring their own responses: the host app answers them, and they are counted and logged like other refusals. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { createStreams, type LogEvent, memoryStore, StreamError, type StreamEvent } from "../../src/index.ts";

type Status = ConstructorParameters<typeof HTTPException>[0];

interface Refusal {
  readonly response: Response;
  readonly logged: LogEvent[];
  readonly events: StreamEvent[];
  readonly metrics: string;
}

/** Sends a request to streams whose gate or scope throws. */
async function refusedBy(
  where: "authorize" | "scope",
  error: Error,
  { init = {}, onError }: { init?: RequestInit; onError?: (error: Error) => Response } = {},
): Promise<Refusal> {
  const logged: LogEvent[] = [];
  const events: StreamEvent[] = [];
  const streams = createStreams({
    store: memoryStore(),
    metrics: true,
    [where]: () => {
      throw error;
    },
    log: (event) => void logged.push(event),
    onEvent: (event) => void events.push(event),
  });
  const app = new Hono().route("/s", streams.app);
  if (onError) app.onError(onError);
  const response = await app.request("http://localhost/s/a.txt?verb=APPEND", init);
  const metrics = await streams.metrics();
  await streams.shutdown();
  return { response, logged: logged.filter(({ type }) => type !== "shutdown"), events, metrics };
}

const KINDS: [Status, string][] = [
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not_found"],
  [418, "forbidden"],
  [503, "overloaded"],
];

describe("an HTTPException of the host app", () => {
  for (const where of ["authorize", "scope"] as const) {
    for (const init of [{}, { method: "POST", body: "x" }]) {
      for (const [status, code] of KINDS) {
        it(`is a refusal in the log, the events and the metrics: ${where}, ${init.method ?? "GET"}, ${status}`, async () => {
          const error = new HTTPException(status, { message: "who are you?" });
          const { response, logged, events, metrics } = await refusedBy(where, error, { init });
          assert.deepEqual([response.status, await response.text()], [status, "who are you?"]);
          const id = response.headers.get("X-Request-Id");
          assert.match(id ?? "none", /^[\w-]{36}$/);
          const shown = logged.map((event) => ({ ...event, durationMs: 0 }));
          const method = init.method ?? "GET";
          const request = { method, target: "/s/a.txt", requestId: id, status };
          const [refusal, ended] = shown;
          assert.deepEqual(
            { ...refusal, path: undefined },
            { type: "refusal", ...request, path: undefined, code, message: "who are you?", durationMs: 0 },
          );
          assert.deepEqual(ended, { type: "request", ...request, bytes: 0, durationMs: 0, reason: code });
          assert.equal(shown.length, 2);
          const [event] = events;
          assert.ok(events.length === 1 && event?.type === "refused");
          assert.deepEqual([event.error.code, event.error.cause, event.requestId], [code, error, id]);
          assert.match(metrics, new RegExp(`^httpfstream_refusals_total\\{code="${code}"\\} 1$`, "m"));
        });
      }
    }
  }

  it("is a failure in the log with status 500", async () => {
    const { response, logged, events } = await refusedBy("authorize", new HTTPException(500, { message: "a secret" }));
    assert.equal(response.status, 500);
    assert.deepEqual(
      logged.map(({ type }) => type),
      ["error", "request"],
    );
    assert.equal(events.length, 1);
  });

  it("is answered by the error handler of the app", async () => {
    const onError = (): Response => new Response("mine", { status: 402 });
    const { response } = await refusedBy("authorize", new HTTPException(401), { onError });
    assert.deepEqual([response.status, await response.text()], [402, "mine"]);
  });

  it("keeps a response of its own", async () => {
    const res = new Response("sign in", { status: 401, headers: { "WWW-Authenticate": "Basic" } });
    const { response } = await refusedBy("authorize", new HTTPException(401, { res }));
    assert.deepEqual([response.status, await response.text()], [401, "sign in"]);
    assert.equal(response.headers.get("WWW-Authenticate"), "Basic");
    assert.match(response.headers.get("X-Request-Id") ?? "none", /^[\w-]{36}$/);
  });
});

describe("a StreamError of the host app", () => {
  for (const [name, value] of [
    ["WWW-Authenticate", "a\nb"],
    ["WWW Authenticate", "Basic"],
    ["", "x"],
    ["Retry-After", 5],
  ] as const) {
    it(`with a header that can't be sent is a failure, and has an id: ${JSON.stringify(name)}`, async () => {
      const headers = { [name]: value } as Record<string, string>;
      const error = new StreamError("unauthorized", "Sign in.", { headers });
      const { response, logged } = await refusedBy("authorize", error);
      assert.deepEqual([response.status, await response.text()], [500, "The server failed. Its log says why.\n"]);
      assert.match(response.headers.get("X-Request-Id") ?? "none", /^[\w-]{36}$/);
      const [failure] = logged;
      assert.ok(failure?.type === "error");
      assert.equal(failure.message, `The header "${name}" of a StreamError can't be sent.`);
    });
  }
});
