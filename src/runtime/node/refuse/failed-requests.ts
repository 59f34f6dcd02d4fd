/**
 * Answers requests that the server could parse, but does not pass to the app.
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { RequestError } from "@hono/node-server";
import { notSupported } from "./parse-errors.ts";
import { type PlainAnswer, plainAnswer, plainHeaders } from "./plain-answer.ts";
import type { Refusals } from "./server-refusal.ts";

const NO_HOST: PlainAnswer = {
  status: 400,
  code: "bad_request",
  sentence: "The request has no Host header, which HTTP/1.1 requires.",
};

const NO_URL: PlainAnswer = {
  status: 400,
  code: "bad_request",
  sentence: "The target of the request, or its Host header, is malformed.",
};

const UNEXPECTED: PlainAnswer = {
  status: 417,
  code: "bad_request",
  sentence: 'The only expectation that the server meets is "100-continue". Remove the header "Expect".',
};

/** Answers what Node would answer without a sentence: an unknown expectation, and `CONNECT`. */
export function answerUnexpected(server: Server, refusals: Refusals): void {
  server.on("checkExpectation", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    refuse(incoming, outgoing, UNEXPECTED, refusals);
  });
  server.on("connect", (incoming: IncomingMessage, socket: Socket) => {
    socket.on("error", () => socket.destroy());
    const given = notSupported(incoming.method ?? "CONNECT");
    const headers = { ...given.headers, ...reported(incoming, given, refusals) };
    socket.end(plainAnswer({ ...given, headers }), () => socket.destroy());
  });
}

/** Refuses a request without a `Host`, unless its version of HTTP has none. Returns whether it has. */
export function refuseWithoutHost(incoming: IncomingMessage, outgoing: ServerResponse, refusals: Refusals): boolean {
  const { headers, httpVersion } = incoming;
  if (headers.host !== undefined || httpVersion === "1.0") return false;
  refuse(incoming, outgoing, NO_HOST, refusals);
  return true;
}

/**
 * Answers a request that `@hono/node-server` cannot turn into a URL, or whose app has failed.
 *
 * @param incoming The request. Default: it is not reported.
 */
export function answerFailed(error: unknown, incoming?: IncomingMessage, refusals?: Refusals): Response {
  if (!(error instanceof RequestError)) {
    console.error(error);
    return new Response("The server failed.\n", { status: 500, headers: plainHeaders({ code: "internal" }) });
  }
  const { status, code, sentence } = NO_URL;
  const headers = incoming && refusals ? reported(incoming, NO_URL, refusals) : {};
  return new Response(`${sentence}\n`, { status, headers: plainHeaders({ code, headers }) });
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, given: PlainAnswer, refusals: Refusals): void {
  const { status, code, sentence } = given;
  const headers = { ...reported(incoming, given, refusals), Connection: "close" };
  const body = Buffer.from(`${sentence}\n`);
  outgoing.writeHead(status, { ...plainHeaders({ code, headers }), "Content-Length": body.length });
  outgoing.end(body);
}

function reported(incoming: IncomingMessage, given: PlainAnswer, refusals: Refusals): Record<string, string> {
  const { code, status, sentence: message } = given;
  return refusals.request(incoming, { code, status, message });
}
