/**
 * Writes response bodies that are byte streams to a Node response, from reused memory: allocating memory per piece is
 * most of the cost of a large download.
 * @module
 */
import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type ByteReader, byobReader } from "../../engine/storage/byte-reader.ts";
import { PieceReader } from "../../engine/storage/piece-reader.ts";

/** Maximum bytes per piece. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** Pieces in flight: while one is written, the next is read. */
const PIECES = 2;

/**
 * Sends a response whose body is a byte stream, and returns the value that informs `@hono/node-server` of that. Returns any
 * other response unchanged, for the server to send.
 */
export function sendBytes(response: Response, outgoing: ServerResponse): Response {
  // A response without a length is small or live: a small one is not worth two buffers, and a live one is not a file.
  const length = Number(response.headers.get("content-length"));
  if (!length) return response;
  const reader = response.body ? byobReader(response.body) : undefined;
  if (!reader) return response;
  putHead(response, outgoing);
  void send(reader, outgoing, length).catch(() => {
    // The missing bytes show the client that the response is incomplete.
    outgoing.destroy();
  });
  return RESPONSE_ALREADY_SENT;
}

/**
 * Sends a response that cannot have a body, and returns the value that informs `@hono/node-server` of that. Returns any other
 * response unchanged. `@hono/node-server` would add a missing `Content-Type`; in a 304, a cache would take
 * it for that of the content.
 */
export function sendEmpty(response: Response, outgoing: ServerResponse): Response {
  if (response.status !== 204 && response.status !== 304) return response;
  putHead(response, outgoing);
  outgoing.end();
  return RESPONSE_ALREADY_SENT;
}

/** Copies the status and the headers of a response to a Node response. */
export function putHead(response: Response, outgoing: ServerResponse): void {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
}

async function send(reader: ByteReader, outgoing: ServerResponse, length: number): Promise<void> {
  const pieces = new PieceReader(reader, Math.min(length, MAX_PIECE_BYTES));
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
    // Read the next piece while this one is written: another thread does one, this thread the other.
    next = read();
    outgoing.write(piece, () => {
      underWay--;
      pieces.reuse(piece);
      wake();
    });
  }
  // The result of the last read no longer matters.
  await Promise.allSettled([pieces.cancel(), next]);
}
