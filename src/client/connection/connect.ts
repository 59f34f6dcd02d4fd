/**
 * Which platform's WebSocket to open.
 * @module
 */
import { followRedirects } from "./redirect.ts";
import type { ClientSocket, Connect } from "./socket.ts";
import { connectBrowser } from "./socket-browser.ts";
import { connectWs } from "./socket-ws.ts";

/**
 * Asks for a WebSocket. A server that answers without upgrading has its response handed back, body and all.
 *
 * @throws {StreamError} `unreachable`, `aborted`, `bad_request` for headers where a platform takes none.
 */
export const connect: Connect = (request, handler) =>
  isNodeLike()
    ? followRedirects<ClientSocket>(request, (hop) => connectWs({ ...request, ...hop }, handler))
    : connectBrowser(request, handler);

/** Whether a WebSocket can carry headers here. */
export function takesHeaders(): boolean {
  return isNodeLike();
}

/** Node, Deno and Bun all say which Node they are like; the `ws` package runs on each of them. */
function isNodeLike(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
