/**
 * Response bodies that are byte streams, written to a Node response with memory that is used again and again: fresh
 * memory for each piece is most of what a large download costs.
 * @module
 */
import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type ByteReader, bringYourOwn } from "../../engine/storage/byte-reader.ts";
import { PieceReader } from "../../engine/storage/piece-reader.ts";

/** Bytes of the largest piece. */
const MOST_BYTES = 1024 * 1024;

/** Pieces on their way at once: while one is written, the next is read. */
const PIECES = 2;

/**
 * Sends a response whose body is a byte stream, and returns what tells `@hono/node-server` so. Every other response is
 * returned as it is, for the server to send.
 */
export function sendBytes(response: Response, outgoing: ServerResponse): Response {
  // What is small has no length of its own, and would get two pieces of memory for a sentence; what is live is no file.
  const length = Number(response.headers.get("content-length"));
  if (!length) return response;
  const reader = response.body ? bringYourOwn(response.body) : undefined;
  if (!reader) return response;
  putHead(response, outgoing);
  void send(reader, outgoing, length).catch(() => {
    // The client sees by the missing bytes that it has not got all of them.
    outgoing.destroy();
  });
  return RESPONSE_ALREADY_SENT;
}

/** Sets the status and the headers of a Node response as those of another. */
export function putHead(response: Response, outgoing: ServerResponse): void {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
}

async function send(reader: ByteReader, outgoing: ServerResponse, length: number): Promise<void> {
  const pieces = new PieceReader(reader, Math.min(length, MOST_BYTES));
  let underWay = 0;
  let wake = (): void => {};
  outgoing.once("close", () => {
    wake();
    pieces.cancel().catch(() => {});
  });
  const read = async () => {
    while (underWay === PIECES && !outgoing.destroyed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    underWay++;
    return pieces.read();
  };
  let next = read();
  while (!outgoing.destroyed) {
    const piece = await next;
    if (!piece) {
      outgoing.end();
      return;
    }
    // Read while this one is written: the one is done by another thread, the other by this one.
    next = read();
    outgoing.write(piece, () => {
      underWay--;
      pieces.reuse(piece);
      wake();
    });
  }
  // Nobody is left who would care how the last read went.
  await Promise.allSettled([pieces.cancel(), next]);
}
