/**
 * Maps failures of a server or network to the typed errors of this project.
 * @module
 */
import {
  codeOfClose,
  codeOfStatus,
  ERROR_HEADER,
  type ErrorCode,
  isErrorCode,
  StreamError,
} from "../../protocol/errors.ts";
import { PROTOCOL, TOKEN_EXPIRED } from "../../protocol/subprotocol.ts";
import { withoutTokens } from "../../support/printable.ts";
import { refusalText } from "./refusal-text.ts";
import { TokenLapse } from "./token-lapse.ts";

/** How a WebSocket ended. */
export interface Closing {
  /** The close code; 1005 if the frame had no code, 1006 without a closing handshake. */
  readonly code: number;
  /** The reason that the server sent with the code; may be empty. */
  readonly reason: string;
  /** The underlying error, if there was one. */
  readonly error?: unknown;
}

/**
 * The error for a response that refuses the request. Reads the beginning of its body and cancels the rest.
 *
 * @param verb What was requested. The original server answers an append with 403 if the path has an appender; for other
 * requests, 403 has its general meaning.
 */
export async function refused(response: Response, url: URL, verb: "APPEND" | "FOLLOW"): Promise<StreamError> {
  const said = response.headers.get(ERROR_HEADER) ?? "";
  const code = isErrorCode(said) ? said : codeOf(response, verb);
  const sentence = await refusalText(response);
  const place = response.status >= 300 && response.status < 400 ? response.headers.get("Location") : null;
  const status = `${response.status} ${response.statusText}`.trim() + (place === null ? "" : `, see ${place}`);
  const headers = Object.fromEntries(Array.from(response.headers, ([name, value]) => [name, withoutTokens(value)]));
  const message =
    isErrorCode(said) && sentence ? sentence : `The server answered ${status}${sentence && `: ${sentence}`}`;
  return new StreamError(code, message, { path: url.href, headers });
}

/** The error for a WebSocket that ended early. */
export function closedEarly({ code, reason, error }: Closing, url: URL): StreamError {
  if (error !== undefined) return broken(error, url);
  if (code === TOKEN_EXPIRED) return new TokenLapse(reason || "The token has expired.", url.href);
  const known = code === 1006 ? undefined : codeOfClose(code);
  if (known)
    return new StreamError(known, reason || `The server closed the connection with code ${code}.`, {
      path: url.href,
    });
  const what = code === 1006 ? "The connection broke off" : `The server ended the connection (${code})`;
  return new StreamError("unreachable", `${what}${reason && `: ${reason}`}.`, { path: url.href });
}

/** The error for a connection that could not be made or that broke. */
export function broken(cause: unknown, url: URL): StreamError {
  if (cause instanceof StreamError) return cause;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return new StreamError("too_large", "The server sent a message that is too large.", {
      path: url.href,
      cause,
    });
  }
  return new StreamError("unreachable", unreachable(cause, url), {
    path: url.href,
    cause: withoutSecrets(cause),
  });
}

/** How the runtimes report a server that answers a TLS handshake with something else. */
const NO_TLS = /wrong[ _]version[ _]number|InvalidContentType|packet length too long|TLS handshake failed/i;

/** How the runtimes report an address at which no program listens. */
const NO_SERVER = /ECONNREFUSED|connection ?refused/i;

function unreachable(cause: unknown, { host, protocol }: URL): string {
  const why = explain(cause);
  if (protocol === "https:" && NO_TLS.test(why)) {
    return `The server at ${host} does not use TLS on this port. Use an http:// URL if it uses plain HTTP.`;
  }
  if (NO_SERVER.test(`${why} ${String((cause as { code?: unknown } | undefined)?.code)}`))
    return `No server answers at ${host}. Check the address.`;
  return `The server at ${host} can't be reached: ${why}.`;
}

/** The error for a server that does not support `httpfstream.v1` when the operation requires it. */
export function noSubprotocol(url: URL): StreamError {
  const message = `The server does not support ${PROTOCOL}: it can neither resume an append nor check its offset.`;
  return new StreamError("protocol", message, { path: url.href });
}

/**
 * The URL of a resource for messages: without user name, password and query, which may contain secrets.
 *
 * @example
 * ```ts
 * placeIn(new URL("https://me:secret@host/a.log?token=x")); // "https://host/a.log"
 * ```
 */
export function placeIn({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

/** The error for an operation that its caller aborted. */
export function aborted(signal: AbortSignal, url: URL): StreamError {
  return new StreamError("aborted", `The operation on ${placeIn(url)} was aborted.`, {
    path: url.href,
    cause: signal.reason,
  });
}

function codeOf({ status }: Response, verb: "APPEND" | "FOLLOW"): ErrorCode {
  if (status === 403 && verb === "APPEND") return "conflict";
  return codeOfStatus(status) ?? (status >= 500 ? "internal" : "protocol");
}

/** The innermost message of a network error; the outermost is often just "fetch failed". */
function explain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const deeper = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  if (deeper instanceof Error) return explain(deeper);
  return (cause.message || String((cause as { code?: unknown }).code ?? cause.name)).replace(/\.$/, "");
}

/** Replaces an error that quotes a URL with a token, as some runtimes do. */
function withoutSecrets(cause: unknown): unknown {
  if (!(cause instanceof Error) || !textsOf(cause).some((text) => withoutTokens(text) !== text)) return cause;
  const { code } = cause as { code?: unknown };
  return Object.assign(new Error(withoutTokens(explain(cause))), code === undefined ? {} : { code });
}

/** The texts that printing an error shows: of its properties, and of its causes. */
function textsOf(error: unknown): string[] {
  if (typeof error === "string") return [error];
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const own: unknown[] = [error.message, error.stack, ...Object.values(error)];
  return [...own.filter((value) => typeof value === "string"), ...inner.flatMap(textsOf)];
}
