/** A gate that does not answer: requests do not wait for it for ever, and take no more than their place. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Limits } from "../../src/engine/limits.ts";
import {
  type AccessDecision,
  type AccessRequest,
  createStreams,
  memoryStore,
  type Store,
  type Streams,
} from "../../src/index.ts";
import { OFFER } from "../fixture/v1.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";

/** A gate whose answers the test gives. */
interface OpenQuestion extends AccessRequest {
  answer(decision: AccessDecision | Promise<AccessDecision>): void;
}

interface Asked {
  readonly streams: Streams;
  readonly store: Store;
  readonly questions: OpenQuestion[];
  readonly logged: { type: string; message?: string; code?: string }[];
  send(target: string, init?: RequestInit): Promise<Response>;
  /** Resolves with the next question. */
  asked(): Promise<OpenQuestion>;
}

/** @param knows Allows a request at once. */
function slowGate(limits: Partial<Limits>, knows: (request: AccessRequest) => boolean = () => false): Asked {
  const store = memoryStore();
  const questions: OpenQuestion[] = [];
  const logged: Asked["logged"] = [];
  const events = new EventTarget();
  const streams = createStreams({
    store,
    limits,
    deletes: "all",
    authorize: (request) =>
      knows(request) ||
      new Promise((answer) => {
        questions.push({ ...request, answer });
        events.dispatchEvent(new Event("asked"));
      }),
    log: (event) => void logged.push(event),
  });
  return {
    streams,
    store,
    questions,
    logged,
    send: async (target, init) => await streams.app.request(`http://localhost${target}`, init),
    asked: async () => {
      if (questions.length === 0) await once(events, "asked");
      return questions.shift() as OpenQuestion;
    },
  };
}

const UPGRADE = upgradeHeaders("dGhlIHNhbXBsZSBub25jZQ==");

/** A request of each kind. */
const EVERY: [string, RequestInit][] = [
  ["/a.txt", {}],
  ["/a.txt", { method: "HEAD" }],
  ["/", {}],
  ["/a.txt?verb=FOLLOW&stay=1", {}],
  ["/a.txt?live=long-poll&offset=now", {}],
  ["/a.txt?live=sse&offset=now", {}],
  ["/a.txt?verb=APPEND", { method: "POST", body: "x" }],
  ["/a.txt?verb=APPEND", { method: "PUT", body: "x", headers: { Expect: "100-continue" } }],
  ["/a.txt", { method: "PUT", body: "x" }],
  ["/a.txt", { method: "POST", body: "x" }],
  ["/a.txt", { method: "DELETE" }],
  ["/a.txt?verb=APPEND", { headers: { Host: "localhost", ...UPGRADE } }],
  ["/a.txt?verb=FOLLOW", { headers: { Host: "localhost", ...UPGRADE, ...OFFER } }],
];

describe("a gate that does not answer", () => {
  it("ends every kind of request with 503, and is reported", async () => {
    const { streams, send, questions, logged } = slowGate({ authorizeMs: 20 });
    for (const [target, init] of EVERY) {
      const what = `${init.method ?? "GET"} ${target}`;
      logged.length = 0;
      const response = await send(target, init);
      assert.equal(response.status, 503, what);
      assert.equal(response.headers.get("Stream-Error"), "overloaded", what);
      assert.equal(response.headers.get("Retry-After"), "1", what);
      const text = await response.text();
      if (init.method !== "HEAD") assert.match(text, /could not decide within 0\.02 s \(authorizeMs\)/, what);
      const failures = logged.filter(({ type }) => type === "error");
      assert.deepEqual(
        failures.map(({ message }) => message),
        ['The function "authorize" has not answered within 0.02 s (authorizeMs).'],
        what,
      );
      assert.deepEqual(
        logged.filter(({ type }) => type === "refusal").map(({ code }) => code),
        ["overloaded"],
        what,
      );
    }
    assert.equal(questions.length, EVERY.length);
    const metrics = await streams.metrics();
    assert.match(metrics, new RegExp(`^httpfstream_refusals_total\\{code="overloaded"\\} ${EVERY.length}$`, "m"));
    await streams.shutdown();
  });

  it("may answer later, in any way: nothing comes of it", async () => {
    const rejections: unknown[] = [];
    const collect = (error: unknown): void => void rejections.push(error);
    process.on("unhandledRejection", collect);
    const { streams, store, send, asked } = slowGate({ authorizeMs: 20 });
    let cancelled = (): void => {};
    const isCancelled = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const body = new ReadableStream({ cancel: cancelled });
    const late: (() => AccessDecision | Promise<AccessDecision>)[] = [
      () => true,
      () => false,
      () => Promise.reject(new Error("too late")),
      () => "no decision" as never,
      () => new Response(body),
    ];
    for (const decide of late) {
      const response = await send("/a.txt?verb=APPEND", { method: "POST", body: "x" });
      assert.equal(response.status, 503);
      (await asked()).answer(decide());
    }
    await isCancelled;
    await new Promise(setImmediate);
    process.off("unhandledRejection", collect);
    assert.deepEqual(rejections, []);
    assert.equal(await store.stat("a.txt"), undefined, "nothing was appended");
    await streams.shutdown();
  });

  it("is waited for without end if the limit is 0", async () => {
    const { streams, send, asked } = slowGate({ authorizeMs: 0 });
    const reading = send("/a.txt");
    (await asked()).answer(true);
    assert.equal((await reading).status, 404);
    await streams.shutdown();
  });

  it("is asked about the source of a fork within the same time", async () => {
    const { streams, send, asked } = slowGate({ authorizeMs: 20 }, ({ action }) => action === "append");
    const response = await send("/b.txt", { method: "PUT", headers: { "Stream-Forked-From": "/a.txt" } });
    assert.equal((await asked()).path, "a.txt");
    assert.equal(response.status, 503);
    await streams.shutdown();
  });
});

describe("an upload that waits for the gate", () => {
  const upload = { method: "POST", body: "x" };

  it("has a place, and the next one is refused without a question", async () => {
    const { streams, send, asked, questions } = slowGate({ connections: 1 });
    const first = send("/a.txt?verb=APPEND", upload);
    const question = await asked();
    const refused = await send("/b.txt?verb=APPEND", upload);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("Stream-Error"), "overloaded");
    assert.match(await refused.text(), /\(connections\)/);
    assert.equal(questions.length, 0);
    question.answer(true);
    assert.equal((await first).status, 200);
    const second = send("/b.txt?verb=APPEND", upload);
    (await asked()).answer(true);
    assert.equal((await second).status, 200);
    await streams.shutdown();
  });

  const answers: [string, () => AccessDecision | Promise<AccessDecision>, number][] = [
    ["no", () => false, 403],
    ["a response", () => new Response("Sign in first.", { status: 302 }), 302],
    ["an error", () => Promise.reject(new Error("down")), 500],
    ["nothing that it understands", () => "yes" as never, 500],
  ];
  for (const [answer, decide, status] of answers) {
    it(`gives its place back if the answer is ${answer}`, async () => {
      const { streams, send, asked } = slowGate({ connections: 1 });
      const first = send("/a.txt?verb=APPEND", upload);
      (await asked()).answer(decide());
      assert.equal((await first).status, status);
      const second = send("/b.txt?verb=APPEND", upload);
      (await asked()).answer(true);
      assert.equal((await second).status, 200);
      await streams.shutdown();
    });
  }

  it("gives its place back if there is no answer", async () => {
    const { streams, send } = slowGate({ connections: 1, authorizeMs: 20 }, ({ path }) => path === "b.txt");
    assert.equal((await send("/a.txt?verb=APPEND", upload)).status, 503);
    assert.equal((await send("/b.txt?verb=APPEND", upload)).status, 200);
    await streams.shutdown();
  });
});
