/** Malformed requests get an error response after the responses to earlier requests, and create nothing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "../fixture/connection.ts";
import { until } from "../fixture/until.ts";
import { faultTest } from "./standalone.ts";

const GARBAGE = "FOO\r\n\r\n";

/** Sends bytes on a new connection, and returns everything received until the server ends it. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const connection = await Connection.open(url);
  try {
    await connection.write(bytes);
    let all = "";
    for (let some = await connection.readSome(); some; some = await connection.readSome()) all += String(some);
    return all;
  } finally {
    connection.drop();
  }
}

function statuses(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

const head = (target: string, ...headers: string[]): string =>
  [`${target} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");

for (const [what, body] of [
  ["with a length", `${head("POST /a.txt?verb=APPEND", "Content-Length: 5")}hello`],
  ["in chunks", `${head("POST /a.txt?verb=APPEND", "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`],
] as const) {
  faultTest(`a body ${what} is stored and acknowledged, whatever comes behind it`, {}, async ({ peers, server }) => {
    assert.deepEqual(statuses(await answerTo(server.url, body + GARBAGE)), [200, 400]);
    assert.equal(String(await peers.stored("a.txt")), "hello");
    await server.program.printed(/append ends: \/a\.txt, 5 bytes in .*complete/);
  });
}

faultTest("requests in front of unreadable bytes get their responses", {}, async ({ peers, server }) => {
  await peers.put("a.txt", "x".repeat(1_000_000));
  const answers = await answerTo(server.url, head("GET /none.txt") + head("GET /a.txt") + GARBAGE);
  assert.deepEqual(statuses(answers), [404, 200, 400]);
  assert.equal(answers.match(/x{1000000}/)?.length, 1);
});

faultTest("an upload whose first chunk has no size leaves no file", {}, async ({ peers, server }) => {
  const upload = `${head("POST /bad/a.txt?verb=APPEND", "Transfer-Encoding: chunked")}zz\r\nhello\r\n0\r\n\r\n`;
  assert.deepEqual(statuses(await answerTo(server.url, upload)), [400]);
  await peers.put("after.txt", "hello");
  await until("the folder to be gone", async () => !existsSync(join(server.root, "bad")));
});

faultTest("an upload whose second chunk has no size keeps its first", {}, async ({ peers, server }) => {
  // The server's first request may take longer than the client of the malformed one stays connected.
  await peers.put("before.txt", "hello");
  const chunks = "5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n";
  const upload = head("POST /a.txt?verb=APPEND", "Transfer-Encoding: chunked") + chunks;
  assert.deepEqual(statuses(await answerTo(server.url, upload)), [400]);
  await until("its first chunk", async () => (await peers.send({ target: "/a.txt" })).text === "hello");
});
