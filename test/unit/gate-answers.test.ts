/** Responses of the gate: one that refuses counts as a refusal, in the log, the metrics and the events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStreams, type LogEvent, memoryStore, type StreamEvent } from "../../src/index.ts";
import { samplesOf } from "../fixture/metrics.ts";

/** What is reported about a request that the gate answers itself. */
async function reported(answer: () => Response, init: RequestInit = {}) {
  const logged: LogEvent[] = [];
  const events: StreamEvent[] = [];
  const streams = createStreams({
    store: memoryStore(),
    authorize: answer,
    log: (event) => void logged.push(event),
    onEvent: (event) => void events.push(event),
  });
  const response = await streams.app.request("http://localhost/a.txt?verb=APPEND", init);
  const samples = samplesOf(await streams.metrics());
  await streams.shutdown();
  const counts = [...samples].filter(([name]) => name.startsWith("httpfstream_refusals_total"));
  const codes = events.flatMap((event) => (event.type === "refused" ? [event.error.code] : []));
  const lines = logged.flatMap((event) => {
    if (event.type === "request") return [`request ${event.status} ${event.reason}`];
    return event.type === "refusal" || event.type === "error" ? [`${event.type} ${event.message}`] : [];
  });
  return { status: response.status, text: await response.text(), counts, codes, lines };
}

for (const init of [{}, { method: "POST", body: "x" }]) {
  const way = init.method ?? "GET";
  for (const [status, code] of [
    [401, "unauthorized"],
    [402, "forbidden"],
    [403, "forbidden"],
    [429, "overloaded"],
  ] as const) {
    test(`a response of the gate with ${status} is a refusal: ${way}`, async () => {
      const { counts, codes, lines, ...response } = await reported(() => new Response("mine", { status }), init);
      assert.deepEqual(response, { status, text: "mine" });
      assert.deepEqual(counts, [[`httpfstream_refusals_total{code="${code}"}`, 1]]);
      assert.deepEqual(codes, [code]);
      assert.deepEqual(lines, [`refusal The gate has answered with status ${status}.`, `request ${status} ${code}`]);
    });
  }

  test(`a response of the gate with 500 is a failure: ${way}`, async () => {
    const { codes, lines } = await reported(() => new Response(null, { status: 500 }), init);
    assert.deepEqual(codes, ["internal"]);
    assert.deepEqual(lines, ["error The gate has answered with status 500.", "request 500 internal"]);
  });

  test(`a page or a redirect of the gate is an answer like any other: ${way}`, async () => {
    for (const status of [200, 302]) {
      const { counts, codes, lines } = await reported(() => new Response(null, { status }), init);
      assert.deepEqual([counts, codes, lines], [[], [], [`request ${status} complete`]]);
    }
  });
}
