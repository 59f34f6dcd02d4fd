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
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { createStreams } from "../mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

/** A stand-in for the model. */
async function* tokens(question: string): AsyncGenerator<string> {
  const answer = `You asked: ${question} That is a good question, and here is a long answer to it.\n`;
  for (const token of answer.split(/(?<= )/)) {
    await sleep(Number(process.env["TOKEN_MS"] ?? 100));
    yield token;
  }
}

const answers = createStreams({ root: "./data/answers", listings: false });

const app = new Hono();
app.post("/ask", async (c) => {
  const path = `${randomUUID()}.txt`;
  // A follow that comes while the append begins waits for it. The append continues without the client that asked.
  void answers.append(path, tokens(await c.req.text())).catch(console.error);
  return c.text(`/answers/${path}\n`, 202, { Location: `/answers/${path}` });
});
app.route("/answers", answers.app);

const { port } = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080) });
console.log(`curl -i -d 'Why is the sky blue?' http://127.0.0.1:${port}/ask`);
