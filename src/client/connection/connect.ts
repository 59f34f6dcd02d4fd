/**
 * Selects the WebSocket implementation of the platform.
 * @module
 */
import { followRedirects } from "./redirect.ts";
import type { ClientSocket, Connect } from "./socket.ts";
import { connectBrowser } from "./socket-browser.ts";
import { connectWs } from "./socket-ws.ts";

/**
 * Opens a WebSocket. If the server does not upgrade, it resolves with the response, including its body.
 *
 * @throws {StreamError} `unreachable`, `aborted`, or `bad_request` for headers on a platform that cannot send them.
 */
export const connect: Connect = (request, handler) =>
  isNodeLike()
    ? followRedirects<ClientSocket>(request, (hop) => connectWs({ ...request, ...hop }, handler))
    : connectBrowser(request, handler);

/** Whether WebSockets can send headers on this platform. */
export function takesHeaders(): boolean {
  return isNodeLike();
}

/** Node, Deno and Bun all report a Node version, and the `ws` package runs on each of them. */
function isNodeLike(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
