/** The AI SDK's stream of a chat: a reload in the middle, a second tab, a crash of the server in the middle. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";
import { ANSWER } from "../fixture/chat-answer.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const WHOLE = ANSWER.join("");

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

test("a reload in the middle and a second tab get the whole answer", async () => {
  const root = await temporaryFolder("chat");
  const server = await start(root, 50);
  const first = await fetch(`${server.url}/chat/1`, { method: "POST" });
  const reader = first.body?.getReader();
  await reader?.read();
  // The page is reloaded.
  await reader?.cancel();
  const tabs = [1, 2].map(() => fetch(`${server.url}/chat/1`));
  for (const tab of await Promise.all(tabs)) {
    assert.equal(tab.status, 200);
    assert.equal(await answerIn(tab), WHOLE);
  }
  assert.equal((await fetch(`${server.url}/chat/1`)).status, 204);
  assert.equal((await fetch(`${server.url}/chat/none`)).status, 204);
  await server.stop();
  await removeFolder(root);
});

test("after a crash in the middle, a reader gets what was stored, and does not take it for the whole", async () => {
  const root = await temporaryFolder("chat");
  // Slow enough that the crash comes in the middle.
  const crashing = await start(root, 400);
  const first = await fetch(`${crashing.url}/chat/1`, { method: "POST" });
  const reader = first.body?.getReader();
  const decoder = new TextDecoder();
  let seen = "";
  while (!seen.includes("word 1 ")) seen += decoder.decode((await reader?.read())?.value, { stream: true });
  const reading = reader?.read().catch(() => undefined);
  await crashing.program.stop("SIGKILL");
  await reading;
  const server = await start(root, 5);
  const resumed = await fetch(`${server.url}/chat/1`);
  assert.equal(resumed.status, 200);
  const text = await partOf(resumed);
  assert.ok(text.length > 0 && text.length < WHOLE.length && WHOLE.startsWith(text), text);
  const anew = await fetch(`${server.url}/chat/1`, { method: "POST" });
  assert.equal(await answerIn(anew), WHOLE);
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
