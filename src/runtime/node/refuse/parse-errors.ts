/**
 * Answers requests that the HTTP parser rejects, with a fitting status and a sentence.
 * @module
 */
import { type IncomingMessage, METHODS as KNOWN_METHODS, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isRequestId, REQUEST_ID_HEADER } from "../../../protocol/request-id.ts";
import { transferFault } from "../../../server/request/unsupported-body.ts";
import { METHODS } from "../../../server/request/verb.ts";
import { printable } from "../../../support/printable.ts";
import { type PlainAnswer, plainAnswer } from "./plain-answer.ts";
import type { ReadableRequest, Refusals } from "./server-refusal.ts";

/** The code of the error for a request whose headers are late. There is no limit on the time of a whole request. */
const LATE = "ERR_HTTP_REQUEST_TIMEOUT";

/** Answers by the code of the parser's error. */
const ANSWERS: Readonly<Record<string, PlainAnswer>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "too_large",
    sentence: "The URL and the headers together are too long.",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, code: "too_large", sentence: "The chunk extensions are too long." },
  [LATE]: { status: 408, code: "idle", sentence: "The headers of the request did not arrive in time." },
};

const MALFORMED: PlainAnswer = { status: 400, code: "bad_request", sentence: "This is not an HTTP request." };

/** A request line that HTTP allows, with any method. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) \S+ HTTP\/1\.[01]\r\n/;

/** The beginning of a request line, for the log. A long one may be cut in its target. */
const LOGGED_LINE = /^([!#$%&'*+.^_`|~\w-]+) (\S+)(?: [^\r\n]*\r?\n|$)/;

/** Bytes to search for it. */
const LINE_BYTES = 4096;

/** Answers requests that cannot be parsed; Node's own answers say less. */
export function answerUnreadable(server: Server, refusals: Refusals): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const deferred = new WeakSet<Duplex>();
  server.on("request", (request, response) => latest.set(request.socket, response));
  server.on("clientError", (error: ParserError, socket) => {
    if (deferred.has(socket)) return;
    const answering = latest.get(socket);
    const refused = { error, socket: socket as Socket, answering, refusals };
    // Malformed data after a complete request does not concern that request, which gets its own response first.
    if (answering?.req.complete && !answering.writableFinished && socket.writable) {
      deferred.add(socket);
      answering.once("finish", () => answer({ ...refused, answering: undefined, isBehind: true }));
      return;
    }
    if (answering && isEmpty(answering.req)) unreadable.add(answering.req);
    answer(refused);
  });
}

/** Requests whose heads could be parsed, but nothing of their bodies. */
const unreadable = new WeakSet<IncomingMessage>();

/** Whether the body of a request was malformed from its first byte. */
export function isUnreadable(request: IncomingMessage): boolean {
  return unreadable.has(request);
}

/** Whether neither data nor the end of a body has arrived. */
function isEmpty({ complete, readableLength, readableDidRead }: IncomingMessage): boolean {
  return !complete && readableLength === 0 && !readableDidRead;
}

type ParserError = NodeJS.ErrnoException & { rawPacket?: Buffer };

/** What the parser has rejected. */
interface Rejected {
  readonly error: ParserError;
  readonly socket: Socket;
  readonly refusals: Refusals;
  /** The last response on the connection. */
  readonly answering?: ServerResponse | undefined;
  /** Whether it came in one packet with an earlier request. */
  readonly isBehind?: boolean;
}

function answer(rejected: Rejected): void {
  const { error, socket, answering } = rejected;
  // Nothing may be written into the middle of a response.
  if (!socket.writable || (answering?.headersSent && !answering.writableEnded)) return void socket.destroy();
  const { rawPacket: packet, code = "" } = error;
  const given = unknownMethod(packet) ?? unknownTransfer(answering) ?? ANSWERS[code] ?? MALFORMED;
  const headers = { ...given.headers, ...report(rejected, given) };
  socket.end(plainAnswer({ ...given, headers }), () => socket.destroy());
}

/** Reports a request that the app does not get. Returns more headers of the answer. */
function report({ error, socket, answering, isBehind = false, refusals }: Rejected, given: PlainAnswer): object {
  const { code, status, sentence: message } = given;
  // The app logs a request of which only the body is malformed.
  if (answering && !answering.req.complete) return idOf(answering.req);
  // Nothing was asked for. On Bun, the number is always 0.
  if (error.code === LATE && socket.bytesRead === 0) {
    refusals.connection({ code, status, message, ...(socket.remoteAddress && { peer: socket.remoteAddress }) });
    return {};
  }
  return refusals.request({ socket, ...(isBehind ? {} : lineOf(error.rawPacket)) }, { code, status, message });
}

/** The id that the app uses as well, if the client has chosen one. */
function idOf({ headers }: IncomingMessage): Record<string, string> {
  const given = headers[REQUEST_ID_HEADER.toLowerCase()];
  return isRequestId(given) ? { [REQUEST_ID_HEADER]: given } : {};
}

/** Method and target of a request whose first bytes are those of a packet. */
function lineOf(packet: Buffer | undefined): Pick<ReadableRequest, "method" | "url"> {
  const [, method, url] = LOGGED_LINE.exec(packet?.toString("latin1", 0, LINE_BYTES) ?? "") ?? [];
  return { method, url };
}

/** The parser passes a request with an unknown transfer coding to the app, and fails before the app has answered. */
function unknownTransfer(answering: ServerResponse | undefined): PlainAnswer | undefined {
  if (!answering || answering.headersSent) return undefined;
  const sentence = transferFault(answering.req.headers["transfer-encoding"]);
  return sentence === undefined ? undefined : { status: 501, code: "not_implemented", sentence: printable(sentence) };
}

/** HTTP allows any token as a method; the parser knows a few dozen. */
function unknownMethod(packet: Buffer | undefined): PlainAnswer | undefined {
  const [, method] = REQUEST_LINE.exec(packet?.toString("latin1", 0, LINE_BYTES) ?? "") ?? [];
  // A method in lower case is malformed, not unknown.
  if (method === undefined || KNOWN_METHODS.includes(method.toUpperCase())) return undefined;
  return notSupported(method);
}

/** The answer to a method that the server does not support. */
export function notSupported(method: string): PlainAnswer {
  const sentence = `The method ${method} is not supported.`;
  return { status: 405, code: "method_not_allowed", sentence, headers: { Allow: METHODS.join(", ") } };
}
