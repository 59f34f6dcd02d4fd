/** Bodies in many small chunks on Node: chunks that the parser delivers in one turn are passed on together. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { gatherChunks } from "../../src/runtime/node/chunks.ts";
import { numberedLines } from "../fixture/bytes.ts";
import { within } from "../fixture/until.ts";

/** The request body that a server received, and the number of its pieces. */
async function received(chunks: string, ending: "end" | "close"): Promise<{ body: Buffer; pieces: number }> {
  const server: Server = createServer();
  const pieces: Buffer[] = [];
  const done = new Promise<void>((resolve) => {
    server.on("request", (incoming: IncomingMessage, outgoing) => {
      gatherChunks(incoming);
      gatherChunks(incoming);
      incoming.on("data", (piece: Buffer) => pieces.push(piece));
      incoming.on("error", () => {});
      incoming.on(ending, () => {
        outgoing.end();
        resolve();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => {});
  const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.write(head + chunks, () => {
    if (ending === "close") socket.end();
  });
  await within(done, "the body to end");
  socket.destroy();
  server.close();
  return { body: Buffer.concat(pieces), pieces: pieces.length };
}

const text = numberedLines(20_000);
const chunks = Array.from(text, (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join("");

test("small chunks are gathered, in order and complete", async () => {
  const { body, pieces } = await received(`${chunks}0\r\n\r\n`, "end");
  assert.ok(body.equals(text));
  assert.ok(pieces < text.length / 50, `${pieces} pieces`);
});

test("no byte that arrived before the connection ended is lost", async () => {
  const { body } = await received(chunks, "close");
  assert.ok(body.equals(text), `${body.length} bytes of ${text.length}`);
});
