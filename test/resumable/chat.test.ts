/** The AI SDK's stream of a chat, kept in each way: a reload in the middle, a second tab, a crash of the server in the middle. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";
import { startScript, type TestServer } from "../fixture/servers.ts";
import { answerTo } from "../fixture/slow-model.mjs";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const ONE = answerTo("one").join("");
const TWO = answerTo("two").join("");

const servers: TestServer[] = [];

/** Starts the chat server, whose model waits `delayMs` between two words. */
async function start(root: string, delayMs: number): Promise<TestServer> {
  const server = await startScript("node", "chat-server.ts", { root, args: [String(delayMs)] });
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** What a stream that is complete answers to one who resumes it, by the way in which the server keeps it. */
const KINDS = { chat: 204, sdk: 204, assistant: 200 };

/** Asks a question, and returns when the answer has begun. */
async function ask(url: string, question: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const { body } = await fetch(url, { method: "POST", body: question });
  assert.ok(body);
  const reader = body.getReader();
  await reader.read();
  return reader;
}

for (const [kind, whenComplete] of Object.entries(KINDS)) {
  test(`${kind}: a reload in the middle and a second tab get the whole answer`, async () => {
    const root = await temporaryFolder("chat");
    const server = await start(root, 50);
    const url = `${server.url}/${kind}/1`;
    const reader = await ask(url, "one");
    // The page is reloaded.
    await reader.cancel();
    const tabs = [1, 2].map(() => fetch(url));
    for (const tab of await Promise.all(tabs)) {
      assert.equal(tab.status, 200);
      assert.equal(await answerIn(tab), ONE);
    }
    assert.equal((await fetch(url)).status, whenComplete);
    assert.equal((await fetch(`${server.url}/${kind}/none`)).status, 204);
    await server.stop();
    await removeFolder(root);
  });

  test(`${kind}: after a crash in the middle, a reader gets what was stored, and does not take it for the whole`, async () => {
    const root = await temporaryFolder("chat");
    // Slow enough that the crash comes in the middle.
    const crashing = await start(root, 400);
    const reader = await ask(`${crashing.url}/${kind}/1`, "one");
    const decoder = new TextDecoder();
    let seen = "";
    while (!seen.includes("word 1 ")) seen += decoder.decode((await reader.read()).value, { stream: true });
    const reading = reader.read().catch(() => undefined);
    await crashing.program.stop("SIGKILL");
    await reading;
    const server = await start(root, 5);
    const url = `${server.url}/${kind}/1`;
    const resumed = await fetch(url);
    assert.equal(resumed.status, 200);
    const text = await partOf(resumed);
    assert.ok(text.length > 0 && text.length < ONE.length && ONE.startsWith(text), text);
    const anew = await fetch(url, { method: "POST", body: "one" });
    assert.equal(await answerIn(anew), ONE);
    await server.stop();
    await removeFolder(root);
  });
}

test("sdk: a second message in the middle of the first answer has the answer that is resumed", async () => {
  const root = await temporaryFolder("chat");
  const server = await start(root, 50);
  const url = `${server.url}/sdk/1`;
  const first = await ask(url, "one");
  const second = await ask(url, "two");
  await second.cancel();
  const resumed = await fetch(url);
  assert.equal(resumed.status, 200);
  assert.equal(await answerIn(resumed), TWO);
  // The first answer goes on for its own reader.
  const decoder = new TextDecoder();
  let rest = "";
  for (let next = await first.read(); !next.done; next = await first.read()) rest += decoder.decode(next.value);
  assert.match(rest, /word 59 .*\[DONE\]/s);
  assert.equal((await fetch(url)).status, 204);
  assert.doesNotMatch(server.program.output, /error/i);
  await server.stop();
  await removeFolder(root);
});

/** The text of the message that a response streams, as the AI SDK reads it. */
async function answerIn({ body }: Response): Promise<string> {
  assert.ok(body);
  const events = parseJsonEventStream({ stream: body, schema: uiMessageChunkSchema });
  const chunks = events.pipeThrough(
    new TransformStream({
      transform(event, controller) {
        if (!event.success) throw event.error;
        controller.enqueue(event.value);
      },
    }),
  );
  let text = "";
  for await (const { parts } of readUIMessageStream({ stream: chunks })) {
    text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }
  return text;
}

/** The text of a response that must break off. */
async function partOf({ body }: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  await assert.rejects(async () => {
    for await (const bytes of body as ReadableStream<Uint8Array>) text += decoder.decode(bytes, { stream: true });
  });
  const deltas = text.split("\n").filter((line) => line.includes('"text-delta"'));
  return deltas
    .slice(0, -1)
    .map((line) => JSON.parse(line.replace(/^data: /, "")).delta)
    .join("");
}
