/**
 * Answers uploads that are still being sent. Most clients read a response only when they have sent everything or cannot
 * send any more. If the connection is closed while a client sends, it gets a reset and never sees why it was refused.
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { putHead } from "./body.ts";

/** The event of a response that has been sent completely, although the exchange has not ended. */
export const ANSWERED = "answered";

/** Milliseconds of silence after which a sender is abandoned. */
const QUIET_MS = 5_000;

/** Responses of one server that wait for the rest of their request. */
export class Lingering {
  readonly #waiting = new Set<() => void>();
  readonly #maxMs: number;
  #over = false;

  /** @param maxMs Maximum milliseconds for which more is read and dropped. Default 30,000. */
  constructor(maxMs: number = DEFAULT_LIMITS.refusedUploadMs) {
    this.#maxMs = maxMs;
  }

  /**
   * Sends a refusal while its request is still arriving, keeps reading until the request has ended, and returns the
   * value that informs `@hono/node-server` of that. Returns any other response unchanged, for the server to send.
   */
  async answer(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
    if (isComplete(incoming) || this.#over) return response;
    if (isRead(incoming)) this.#dropLater(incoming, outgoing);
    // Only refusals come early, and their bodies are short.
    if (response.status < 400 || isRead(incoming)) return response;
    const body = new Uint8Array(await response.arrayBuffer());
    putHead(response, outgoing);
    outgoing.setHeader("Content-Length", body.length);
    // The client knows the length, so it has the whole response now; only the end of the exchange is delayed.
    outgoing.write(body, () => outgoing.emit(ANSWERED));
    this.#readOn(incoming, outgoing);
    return RESPONSE_ALREADY_SENT;
  }

  /** Stops waiting for all requests. */
  end(): void {
    this.#over = true;
    for (const end of this.#waiting) end();
  }

  /** After its response, a client may send the rest of a GET. The library would leave the connection open for ever. */
  #dropLater(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    const drop = (): void => {
      if (!incoming.complete && !incoming.readableEnded) socket.destroySoon();
    };
    const begin = (): void => {
      if (this.#over) drop();
      else if (!incoming.complete && !incoming.readableEnded) this.#readUntil(incoming, drop);
    };
    if (outgoing.writableFinished) begin();
    else outgoing.once("finish", begin);
  }

  #readOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
    outgoing.once(
      "close",
      this.#readUntil(incoming, () => outgoing.end()),
    );
  }

  /** Reads and drops the rest of a request, for as long as its client may send. Returns what ends it. */
  #readUntil(incoming: IncomingMessage, over: () => void): () => void {
    const end = (): void => {
      if (!this.#waiting.delete(end)) return;
      clearTimeout(quiet);
      clearTimeout(limit);
      over();
    };
    const quiet = setTimeout(end, QUIET_MS);
    const limit = setTimeout(end, this.#maxMs);
    this.#waiting.add(end);
    for (const event of ["end", "error", "close"]) incoming.once(event, end);
    // The stream that the app was given would buffer the data.
    incoming.removeAllListeners("data");
    incoming.on("data", () => quiet.refresh());
    incoming.resume();
    return end;
  }
}

/** Whether the whole request has arrived. Some runtimes do not say so of one without a body. */
function isComplete({ headers, complete, destroyed }: IncomingMessage): boolean {
  const { "transfer-encoding": coding, "content-length": length } = headers;
  return complete || destroyed || (coding === undefined && !(Number(length) > 0));
}

/** Whether it asks to read, so that what it sends has no meaning. */
function isRead({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}
