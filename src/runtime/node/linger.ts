/**
 * Answers to uploads that are still being sent. Most clients look for an answer only when they have sent everything, or
 * can't send any more; one whose connection is closed while it sends gets a reset, and never sees why it was refused.
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { putHead } from "./body.ts";

/** What a response emits when its client has been sent all of it, although the exchange has not ended. */
export const ANSWERED = "answered";

/** Milliseconds for which a sender may pause before it is given up. */
const QUIET_MS = 5_000;

/** The answers that wait for the rest of a request, of one server. */
export class Lingering {
  readonly #waiting = new Set<() => void>();
  readonly #mostMs: number;
  #over = false;

  /** @param mostMs Milliseconds for which more is read and dropped at most. */
  constructor(mostMs: number = DEFAULT_LIMITS.refusedUploadMs) {
    this.#mostMs = mostMs;
  }

  /**
   * Sends a refusal whose request is still arriving, and goes on reading until that has ended; returns what tells
   * `@hono/node-server` so. Every other response is returned as it is, for the server to send.
   */
  async answer(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
    // Only refusals come early, and what they say is short.
    if (response.status < 400 || isComplete(incoming) || this.#over) return response;
    const body = new Uint8Array(await response.arrayBuffer());
    putHead(response, outgoing);
    outgoing.setHeader("Content-Length", body.length);
    // Its length is known: the client has all of it now, and what is held back is only the end of the exchange.
    outgoing.write(body, () => outgoing.emit(ANSWERED));
    this.#readOn(incoming, outgoing);
    return RESPONSE_ALREADY_SENT;
  }

  /** Waits for nobody any more. */
  end(): void {
    this.#over = true;
    for (const end of this.#waiting) end();
  }

  #readOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const end = (): void => {
      this.#waiting.delete(end);
      clearTimeout(quiet);
      clearTimeout(most);
      outgoing.end();
    };
    const quiet = setTimeout(end, QUIET_MS);
    const most = setTimeout(end, this.#mostMs);
    this.#waiting.add(end);
    for (const event of ["end", "error", "close"]) incoming.once(event, end);
    outgoing.once("close", end);
    // The stream that the app was given would keep what comes.
    incoming.removeAllListeners("data");
    incoming.on("data", () => quiet.refresh());
    incoming.resume();
  }
}

function isComplete({ method, complete, destroyed }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD" || complete || destroyed;
}
