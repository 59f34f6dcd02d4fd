/**
 * Closes a stream.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CLOSED_HEADER, PRODUCER_HEADERS } from "../../protocol/stream-headers.ts";
import { SILENCE_MS } from "../connection/limits.ts";
import type { StreamExchange } from "./exchange.ts";

/**
 * Closes a stream. A repetition changes nothing. Returns what the server calls its end.
 *
 * @throws {StreamError} as {@link appendRefused}; `protocol` if the server does not know what this is.
 */
export async function closeStream(exchange: StreamExchange, url: URL): Promise<string | undefined> {
  const headers = { [CLOSED_HEADER]: "true" };
  const answer = await exchange.ask({ method: "POST", headers, timeoutMs: SILENCE_MS });
  if (!answer.ok) throw await appendRefused(exchange, answer, url);
  if (isClosed(answer.headers)) return answer.headers.get(NEXT_OFFSET_HEADER) ?? undefined;
  throw new StreamError("protocol", `The server did not close "${url.pathname}".`, { path: url.href });
}

/** Whether a response says that the stream is closed. */
export function isClosed(headers: Headers): boolean {
  return headers.get(CLOSED_HEADER)?.toLowerCase() === "true";
}

/** The error for a stream that is closed. */
export function closed({ href, pathname }: URL): StreamError {
  return new StreamError("closed", `"${pathname}" is closed: nothing more can be appended to it.`, { path: href });
}

/** The error for a response that refuses to append to a stream that existed. */
export async function appendRefused(exchange: StreamExchange, answer: Response, url: URL): Promise<StreamError> {
  const { status, headers } = answer;
  const path = url.href;
  if (status === 404 || status === 410) {
    const message = `"${url.pathname}" was removed while it was appended to, with what the server had confirmed.`;
    return new StreamError("gone", message, { path });
  }
  if (status === 409 && isClosed(headers)) return closed(url);
  if (status === 409 && headers.has(PRODUCER_HEADERS.expected)) {
    const message = `The server has lost bytes of "${url.pathname}" that it had confirmed.`;
    return new StreamError("changed", message, { path });
  }
  if (status === 403 && headers.has(PRODUCER_HEADERS.epoch)) {
    return new StreamError("fenced", `Another producer has taken over the append to "${url.pathname}".`, { path });
  }
  const error = await exchange.refusal(answer, "APPEND");
  // Such a server has no appender that would hold the path.
  const isForbidden = error.code === "conflict" && status === 403;
  return isForbidden ? new StreamError("forbidden", error.message, { path, headers: error.headers }) : error;
}
