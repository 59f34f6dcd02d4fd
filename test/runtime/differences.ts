/**
 * What each runtime's native server does differently from the standalone one, with the reason.
 * @module
 */
import type { Target } from "../contract/wire/target.ts";
import type { Runtime } from "../fixture/processes.ts";

/** The differences by runtime. A test compares them with the table in docs/runtimes.md. */
export const DIFFERENCES: Record<Runtime, NonNullable<Target["differs"]>> = {
  node: {
    "dot segments": "@hono/node-server resolves dots, so `/streams/../x` belongs to the host app",
  },
  deno: {
    "raw text frames": "Deno's WebSocket delivers and sends text frames as strings",
    "text appends": "Deno drops the end of a fragmented text message that stops inside a character, and nothing tells",
    "unmasked frames": "Deno takes unmasked frames like others",
    "close codes": "Deno drops a connection that breaks the rules of WebSockets without a close frame",
    "gathered messages": "Deno's WebSocket has one limit for all connections, 64 MiB a frame",
    "early end": "Deno throws away what it has of a body whose connection ends right behind its head",
    "upgrade headers": "Deno takes no header but the subprotocol for a granted upgrade",
    "upgrade offers": "Deno answers 400 to a request with a body that offers an upgrade",
  },
  bun: {
    "raw text frames": "Bun's WebSocket delivers and sends text frames as strings",
    "dot segments": "Bun resolves dots, so `/streams/../x` belongs to the host app",
    "early frames": "Bun answers 400 to frames that come before the handler's decision",
    "content length": "Bun sends a body that comes from a stream chunked, and drops its Content-Length",
    "gathered messages": "Bun's WebSockets have one limit a server",
    "late head": "Bun sends the headers of a response with the first bytes of its body",
  },
};
