/**
 * Requests that mention an upgrade and carry a body, as `curl --http2` and Java's client send them. Node's parser stops
 * at the end of their headers, and would leave the body unread; here they become what they are.
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/** What is needed of a server to hand a connection back to it. */
interface ConnectionTaker {
  emit(event: "connection" | "secureConnection", socket: Duplex): unknown;
}

/** Whether a request has no body, so that nothing is lost if its connection is taken for an upgrade. */
export function isBodiless({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

/**
 * Whether what Node calls an upgrade is a request with a body that it did not read. Bun reads it all the same, and Deno
 * has asked before.
 */
export function isUnread(request: IncomingMessage): boolean {
  return !isBodiless(request) && !("Deno" in globalThis) && !("Bun" in globalThis);
}

/** Hands a connection back to its server, with the same request on it, without the word that made it an upgrade. */
export function parseAgain(server: ConnectionTaker, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== "upgrade") lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit((socket as TLSSocket).encrypted ? "secureConnection" : "connection", socket);
}
