/** Request bodies that are read from Node's requests, unless a middleware may have read them. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { incomingBody } from "../../src/runtime/node/incoming-body.ts";
import type { BodyReader } from "../../src/server/platform/body.ts";
import { numberedLines } from "../fixture/bytes.ts";
import { within } from "../fixture/until.ts";

interface Received {
  readonly request: Request;
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  answer(): void;
}

/** Sends the beginning of a request, and returns what the app gets of it. */
async function received(t: TestContext, sent: string | Uint8Array): Promise<Received> {
  let got = (_: Omit<Received, "socket">): void => {};
  const requested = new Promise<Omit<Received, "socket">>((resolve) => {
    got = resolve;
  });
  const listener = getRequestListener((request, { incoming }) => {
    return new Promise<Response>((resolve) => {
      got({ request, incoming: incoming as IncomingMessage, answer: () => resolve(new Response("")) });
    });
  });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => {
    socket.destroy();
    server.close();
  });
  socket.write(sent);
  return { ...(await within(requested, "the request")), socket };
}

const HEAD = "POST /a HTTP/1.1\r\nHost: a\r\n";

async function piecesOf(reader: BodyReader | undefined): Promise<Uint8Array[]> {
  assert.ok(reader);
  const pieces: Uint8Array[] = [];
  for (let piece = await reader.read(); piece; piece = await reader.read()) pieces.push(piece);
  return pieces;
}

test("a body is read to its end, whenever it arrives", async (t) => {
  for (const [first, later] of [
    [`${HEAD}Content-Length: 5\r\n\r\nhello`, ""],
    [`${HEAD}Content-Length: 5\r\n\r\nhe`, "llo"],
    [`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n`, "3\r\nllo\r\n0\r\n\r\n"],
    [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
  ] as const) {
    const { request, incoming, socket } = await received(t, first);
    const reading = piecesOf(incomingBody(request, incoming));
    socket.write(later);
    assert.equal(String(Buffer.concat(await within(reading, "the body"))), "hello");
  }
});

test("a body of no bytes ends", async (t) => {
  for (const head of [`${HEAD}Content-Length: 0\r\n\r\n`, `${HEAD}\r\n`]) {
    const { request, incoming } = await received(t, head);
    assert.deepEqual(await within(piecesOf(incomingBody(request, incoming)), "the end"), []);
  }
});

test("many small chunks are read as few pieces, and a large body is complete", async (t) => {
  const text = numberedLines(40_000);
  const chunks = Array.from(text, (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join("");
  const small = await received(t, `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  const pieces = await within(piecesOf(incomingBody(small.request, small.incoming)), "the small chunks");
  assert.ok(Buffer.concat(pieces).equals(text));
  assert.ok(pieces.length < text.length / 50, `${pieces.length} pieces`);
  const bytes = Buffer.alloc(3_000_000, text);
  const large = await received(t, Buffer.concat([Buffer.from(`${HEAD}Content-Length: 3000000\r\n\r\n`), bytes]));
  const all = await within(piecesOf(incomingBody(large.request, large.incoming)), "the large body");
  assert.ok(Buffer.concat(all).equals(bytes));
});

test("what is not read holds the sender up", async (t) => {
  const { request, incoming, socket } = await received(t, `${HEAD}Content-Length: 100000000\r\n\r\n`);
  const reader = incomingBody(request, incoming);
  const piece = Buffer.alloc(1_000_000);
  let drained = true;
  for (let count = 0; count < 50 && drained; count++) {
    drained = socket.write(piece) || (await Promise.race([once(socket), incoming.isPaused() && quiet(socket)]));
  }
  assert.ok(!drained, "the sender could not send 50 MB");
  await reader?.cancel();
});

/** Resolves once the socket has sent everything. */
function once(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => socket.once("drain", () => resolve(true)));
}

/** Whether the socket has sent everything after a while in which a reader would have read it. */
async function quiet(socket: Socket): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  return socket.writableLength === 0;
}

test("a body that breaks off is read as far as it has arrived, and then fails", async (t) => {
  const { request, incoming, socket } = await received(t, `${HEAD}Content-Length: 9\r\n\r\nhello`);
  const reader = incomingBody(request, incoming);
  const closed = new Promise((resolve) => incoming.once("close", resolve));
  socket.destroy();
  await within(closed, "the request to break off");
  assert.equal(String(Buffer.from((await reader?.read()) ?? [])), "hello");
  await assert.rejects(async () => reader?.read(), /aborted/);
  await assert.rejects(async () => reader?.read(), /aborted/);
});

test("a pending read fails when the body breaks off, and ends when it is cancelled", async (t) => {
  const broken = await received(t, `${HEAD}Content-Length: 9\r\n\r\n`);
  const failing = incomingBody(broken.request, broken.incoming)?.read();
  broken.socket.destroy();
  await assert.rejects(async () => failing, /aborted/);
  const left = await received(t, `${HEAD}Content-Length: 9\r\n\r\n`);
  const reader = incomingBody(left.request, left.incoming);
  const pending = reader?.read();
  await reader?.cancel(new Error("enough"));
  assert.equal(await within(pending ?? Promise.reject(), "the read"), undefined);
  left.socket.destroy();
  assert.equal(await reader?.read(), undefined);
});

test("what others may read is left to them", async (t) => {
  const whole = `${HEAD}Content-Length: 5\r\n\r\nhello`;
  for (const [what, touch] of Object.entries<(got: Received) => unknown>({
    "its body was asked for": ({ request }) => request.body,
    "its signal was asked for, which makes the body": ({ request }) => request.signal,
    "it was read": ({ request }) => request.text(),
    "the request of Node is read": ({ incoming }) => incoming.on("data", () => {}),
    "the request of Node is waited for": ({ incoming }) => incoming.on("readable", () => {}),
    "a function platform has read it": ({ incoming }) => Object.assign(incoming, { rawBody: Buffer.from("hello") }),
  })) {
    const got = await received(t, whole);
    await touch(got);
    assert.equal(incomingBody(got.request, got.incoming), undefined, what);
  }
  const { request, incoming } = await received(t, whole);
  assert.equal(incomingBody(new Request("http://a/", { method: "POST", body: "x" }), incoming), undefined);
  const other = await received(t, whole);
  assert.equal(incomingBody(request, other.incoming), undefined);
  assert.equal(request.headers.get("host"), "a");
  assert.ok(incomingBody(request, incoming), "headers were asked for");
});

test("who has released the body leaves the rest to others", async (t) => {
  const { request, incoming, socket } = await received(t, `${HEAD}Content-Length: 10\r\n\r\nhello`);
  const reader = incomingBody(request, incoming);
  assert.equal(String(Buffer.from((await reader?.read()) ?? [])), "hello");
  reader?.releaseLock();
  const rest = new Promise<Buffer>((resolve) => incoming.on("data", resolve));
  incoming.resume();
  socket.write("world");
  assert.equal(String(await within(rest, "the rest")), "world");
});
