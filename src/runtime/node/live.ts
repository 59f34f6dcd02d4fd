/**
 * Writes live response bodies straight to Node's responses. A stream between the two would cost more than the write
 * itself, for each record and each follower.
 * @module
 */
import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Frame } from "../../engine/follow/frame.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { NO_BYTES } from "../../protocol/utf8.ts";
import { type BodyWriter, liveBodies } from "../../server/platform/live-body.ts";
import { Drain } from "../shared/drain.ts";
import { IS_NODE } from "../shared/is-node.ts";
import { putHead } from "./body.ts";

/**
 * Sends a response whose body is live, and returns the value that informs `@hono/node-server` of that. Returns any other
 * response unchanged, for the server to send.
 */
export function sendLive(response: Response, outgoing: ServerResponse): Response {
  // The imitations of this server on Deno and Bun do not report how much is pending. Looking at the body of another
  // response would make `@hono/node-server` forget headers that were set on it.
  if (!IS_NODE || !response.headers.has(START_OFFSET_HEADER) || !response.body) return response;
  const body = liveBodies.get(response.body);
  if (!body) return response;
  putHead(response, outgoing);
  outgoing.flushHeaders();
  body.divert(new ResponseWriter(outgoing)).catch(() => outgoing.destroy());
  return RESPONSE_ALREADY_SENT;
}

/** Writes to one response. Each chunk is encoded once for all followers over HTTP. */
class ResponseWriter implements BodyWriter {
  readonly #outgoing: ServerResponse;
  /** Created at the first wait, because most connections are never slow. */
  #drain: Drain | undefined;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  get pending(): number {
    return this.#outgoing.destroyed ? 0 : this.#outgoing.writableLength;
  }

  send(frame: Frame): void {
    const { socket, chunkedEncoding, destroyed } = this.#outgoing;
    if (destroyed || !socket) return;
    if (frame.onFlushed || !chunkedEncoding) {
      this.#outgoing.write(frame.bytes, () => {
        frame.onFlushed?.();
        this.#drain?.look();
      });
    } else {
      frame.chunk ??= chunkOf(frame.bytes);
      socket.write(frame.chunk);
    }
  }

  drained(bytes: number): Promise<void> {
    const { socket } = this.#outgoing;
    if (this.pending <= bytes || !socket) return Promise.resolve();
    if (!this.#drain) {
      this.#drain = new Drain(() => this.pending, true);
      this.#outgoing.once("close", () => this.#drain?.look());
    }
    // This callback runs when everything before it has been sent.
    socket.write(NO_BYTES, () => this.#drain?.look());
    return this.#drain.wait(bytes);
  }

  end(): void {
    if (!this.#outgoing.destroyed) this.#outgoing.end();
  }
}

/** A chunk of HTTP's chunked coding (RFC 9112 section 7.1). */
function chunkOf(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
