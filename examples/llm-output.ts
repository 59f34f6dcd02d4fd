/**
 * Stores the output of a language model, or of another slow source: `npx tsx examples/llm-output.ts`
 *
 * The output survives a reload of the page and a lost connection, several people can follow it, and it stays as a file.
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

/** A stand-in for the model. */
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
 * Appends to a path without the network, by calling the app as a function. Resolves when the append has begun, so that
 * the path can be followed; the append continues.
 */
function store(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  return new Promise((begun, failed) => {
    async function* body(): AsyncGenerator<Uint8Array> {
      begun(); // The app reads the first bytes once it has the path.
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
