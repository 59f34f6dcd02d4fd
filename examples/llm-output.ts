/**
 * The output of a language model, or of anything else that takes its time: it survives a reload of the page and a lost
 * connection, several people can watch it, and it is still there next week. `npx tsx examples/llm-output.ts`
 *
 *     curl -i -d 'Why is the sky blue?' http://127.0.0.1:8080/ask
 *     curl -N 'http://127.0.0.1:8080/answers/…?verb=FOLLOW'
 */
import { randomUUID } from "node:crypto";
import process from "node:process";
import { ReadableStream as NodeReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { fstream } from "../mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

/** Stands for the model. */
async function* tokens(question: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const answer = `You asked: ${question} That is a good question, and here is a long answer to it.\n`;
  for (const token of answer.split(/(?<= )/)) {
    await sleep(Number(process.env["TOKEN_MS"] ?? 100));
    yield encoder.encode(token);
  }
}

const answers = fstream({ root: "./data/answers", listings: false });

/**
 * Appends to a path without a way through the network: the app is called as a function. Resolves once the path has
 * been taken, so that it can be followed; the appending goes on.
 */
function store(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  return new Promise((begun, failed) => {
    async function* body(): AsyncGenerator<Uint8Array> {
      begun(); // The first bytes are asked for when the path is ours.
      yield* source;
    }
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers: { "X-Verb": "APPEND" },
      body: NodeReadableStream.from(body()) as ReadableStream<Uint8Array<ArrayBuffer>>,
      duplex: "half",
    };
    Promise.resolve(answers.request(path, init)).then(async (response) => {
      if (!response.ok) failed(new Error(await response.text()));
    }, failed);
  });
}

const app = new Hono();
app.post("/ask", async (c) => {
  const path = `/${randomUUID()}.txt`;
  await store(path, tokens(await c.req.text()));
  return c.text(`/answers${path}\n`, 202, { Location: `/answers${path}` });
});
app.route("/answers", answers);

const { port } = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) });
console.log(`curl -i -d 'Why is the sky blue?' http://127.0.0.1:${port}/ask`);
