/** Uploads that are refused before they are complete: clients that send slowly or read late get the reason, too. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { randomBytes } from "../fixture/bytes.ts";
import { Collected } from "../fixture/collected.ts";
import { type HttpExchange, readBody, readHead, requestHead } from "../fixture/http.ts";
import { within } from "../fixture/until.ts";
import { faultTest } from "./standalone.ts";

const MIB = 1024 * 1024;

/** Milliseconds; longer than the HTTP library waits by default for the rest of a request that it has answered. */
const PAUSE_MS = 1_500;

faultTest("a client that pauses, and reads no response until it has sent all, gets it", {}, async ({ peers }) => {
  await peers.appender("a.bin");
  const upload = await peers.upload("a.bin");
  const { socket } = upload.connection;
  socket.pause();
  await upload.chunk(randomBytes(MIB, 1));
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  for (let piece = 0; piece < 20; piece++) await upload.chunk(randomBytes(MIB, 2));
  await upload.finish();
  socket.resume();
  const { status, text, headers } = await upload.response();
  assert.equal(status, 403);
  assert.match(text, /"\/a\.bin"/);
  assert.equal(headers.get("stream-error"), "conflict");
});

faultTest("the response comes at once, and the connection then takes the next request", {}, async (fault) => {
  const { peers, server } = fault;
  const appender = await peers.appender("a.bin");
  await appender.text("text");
  const { connection } = await peers.exchange({
    method: "POST",
    target: "/a.bin?verb=APPEND",
    headers: { Connection: "keep-alive", "Content-Length": String(4 * MIB) },
  });
  const answer = async () => {
    const head = await within(readHead(connection), "an answer");
    const body = new Collected();
    void readBody(connection, "POST", head, body);
    return { status: head.status, text: (await body.all()).toString() };
  };
  const refusal = await answer();
  assert.equal(refusal.status, 403);
  assert.match(refusal.text, /"\/a\.bin"/);
  await connection.write(randomBytes(4 * MIB, 3));
  await connection.write(requestHead(server.url, { method: "POST", target: "/b.txt?verb=APPEND", body: "whole" }));
  await connection.write("whole");
  assert.equal((await answer()).status, 200);
  assert.equal((await peers.stored("b.txt")).toString(), "whole");
});

faultTest("a client that stops sending is dropped, also when the server ends", {}, async ({ peers, server }) => {
  await peers.appender("a.bin");
  const refused = async () => {
    const upload = await peers.upload("a.bin");
    assert.equal((await upload.response()).status, 403);
    return upload.connection.socket;
  };
  await within(once(await refused(), "close"), "the connection to be given up");
  const open = await refused();
  const [{ signal }] = await Promise.all([server.stop(), once(open, "close")]);
  assert.equal(signal, null);
});

faultTest("the rest of a GET may come after its response, and then the next request", {}, async ({ peers, server }) => {
  await peers.appender("a.bin");
  for (const [target, status] of [
    ["/a.bin", 200],
    ["/none", 404],
  ] as const) {
    const { connection } = await peers.exchange({
      target,
      headers: { Connection: "keep-alive", "Content-Length": "6" },
    });
    await connection.write("one");
    const answer = async (): Promise<number> => {
      const head = await within(readHead(connection), "an answer");
      const body = new Collected();
      void readBody(connection, "GET", head, body);
      await body.all();
      return head.status;
    };
    assert.equal(await answer(), status);
    await connection.write("two");
    await connection.write(requestHead(server.url, { target }));
    assert.equal(await answer(), status);
  }
});

const LIMITS = { limits: { refusedUploadMs: 300 } };

faultTest("a client that never stops sending is dropped", LIMITS, async ({ peers }) => {
  await peers.appender("a.bin");
  const upload = await peers.upload("a.bin");
  assert.equal((await upload.response()).status, 403);
  await dropped(upload);
});

faultTest("a client that never stops sending the body of a GET is dropped", LIMITS, async ({ peers }) => {
  await peers.appender("a.bin");
  for (const [method, target, status] of [
    ["GET", "/a.bin", 200],
    ["HEAD", "/a.bin", 200],
    ["GET", "/none", 404],
  ] as const) {
    const headers = { Connection: "keep-alive", "Transfer-Encoding": "chunked" };
    const exchange = await peers.exchange({ method, target, headers });
    await exchange.chunk("more");
    assert.equal((await exchange.response()).status, status);
    await dropped(exchange);
  }
});

/** Sends more until the connection is closed. */
async function dropped(exchange: HttpExchange): Promise<void> {
  const { socket } = exchange.connection;
  let isOpen = true;
  const closed = once(socket, "close").then(() => {
    isOpen = false;
  });
  const send = async (): Promise<void> => {
    while (isOpen) {
      await exchange.chunk("more").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await within(Promise.all([closed, send()]), "the connection to be closed", 15_000);
}
