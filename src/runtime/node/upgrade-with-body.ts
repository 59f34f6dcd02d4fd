/**
 * Requests that offer an upgrade and have a body, as `curl --http2` and Java's client send them. Node's parser stops at
 * the end of their headers and would leave the body unread; here they become ordinary requests.
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { IS_NODE } from "../shared/is-node.ts";

/** The part of a server that takes a connection back. */
interface ConnectionTaker {
  emit(event: "connection" | "secureConnection", socket: Duplex): unknown;
}

/** Whether a request has no body, so that nothing is lost if its connection is treated as an upgrade. */
export function isBodiless({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

/**
 * Whether what Node calls an upgrade is a request whose body Node has not read. Bun reads the body anyway, and Deno
 * calls `shouldUpgradeCallback` before.
 */
export function isUnread(request: IncomingMessage): boolean {
  return IS_NODE && !isBodiless(request);
}

/** Hands a connection back to its server, with the same request but without its `Upgrade` header. */
export function parseAgain(server: ConnectionTaker, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== "upgrade") lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit((socket as TLSSocket).encrypted ? "secureConnection" : "connection", socket);
}
