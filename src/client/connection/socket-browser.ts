/**
 * WebSockets of a browser. They hide why a server refused, take no headers, cannot be paused, and turn text frames
 * into strings; what that costs is made good here and in `follow.ts` with plain requests.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { aborted, broken } from "./failure.ts";
import { DRAIN_POLL_MS, MOST_REDIRECTS, SEND_BUFFER_BYTES } from "./limits.ts";
import { isOriginal } from "./peer.ts";
import { withOurs } from "./redirect.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "./socket.ts";
import { socketUrl } from "./target.ts";

/** How often a WebSocket is tried that fails although the server would take one: what was in its way may have gone. */
const TRIES = 2;

/** Opens a WebSocket with the platform's own class. */
export async function connectBrowser(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
  const { url, headers, signal } = request;
  if (!headers.keys().next().done) {
    throw new StreamError("bad_request", "A browser's WebSocket takes no headers.", { path: url.href });
  }
  // A browser hangs up where the subprotocol is not taken. The original server would take that for an append.
  const { protocol, requireProtocol, ...plain } = request;
  const offer = protocol !== undefined && (requireProtocol || !(await isOriginal(request)));
  let asked = url;
  for (let tried = 0, redirects = 0; tried < TRIES; tried++) {
    if (signal.aborted) throw aborted(signal, url);
    const socket = await opened({ ...(offer ? request : plain), url: asked }, handler);
    if (socket) return socket;
    // Refused, and the browser does not tell why: the same question as a plain request gets the same answer.
    const response = await fetch(asked, { signal, cache: "no-store" }).catch((error: unknown) => {
      throw signal.aborted ? aborted(signal, url) : broken(error, url);
    });
    const place =
      response.redirected && redirects < MOST_REDIRECTS ? withOurs(new URL(response.url), asked) : undefined;
    if (!place && response.status !== 426) return response;
    await response.body?.cancel();
    if (!place) continue;
    // A plain request went where no WebSocket goes by itself.
    asked = place;
    redirects++;
    tried = -1;
  }
  throw broken(new Error("it answers plain requests, but no WebSocket gets through to it"), url);
}

/** The socket once it is open; nothing when it could not be opened. */
function opened({ url, signal, protocol }: SocketRequest, handler: SocketHandler): Promise<ClientSocket | undefined> {
  return new Promise((resolve) => {
    const encoder = new TextEncoder();
    const ws = new WebSocket(socketUrl(url), protocol === undefined ? [] : [protocol]);
    ws.binaryType = "arraybuffer";
    const abort = (): void => ws.close();
    signal.addEventListener("abort", abort, { once: true });
    let isOpen = false;
    ws.onopen = () => {
      isOpen = true;
      resolve(new BrowserSocket(ws, url));
    };
    ws.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const text = typeof data === "string";
      handler.frame(text ? encoder.encode(data) : new Uint8Array(data), text);
    };
    ws.onclose = ({ code, reason }) => {
      signal.removeEventListener("abort", abort);
      resolve(undefined);
      if (isOpen) handler.closed({ code, reason });
    };
  });
}

class BrowserSocket implements ClientSocket {
  readonly exactText = false;
  readonly #ws: WebSocket;
  readonly #url: URL;

  get protocol(): string {
    return this.#ws.protocol;
  }

  get pending(): number {
    return this.#ws.bufferedAmount;
  }

  constructor(ws: WebSocket, url: URL) {
    this.#ws = ws;
    this.#url = url;
  }

  async send(bytes: Uint8Array, text: boolean): Promise<void> {
    this.#ws.send(text ? this.#decode(bytes) : (bytes as Uint8Array<ArrayBuffer>));
    while (this.#ws.readyState === WebSocket.OPEN && this.#ws.bufferedAmount > SEND_BUFFER_BYTES) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  close(code: number): void {
    this.#ws.close(code);
  }

  terminate(): void {
    this.#ws.close();
  }

  #decode(bytes: Uint8Array): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      const message = "This server takes text only, and a browser can't send these bytes as text.";
      throw new StreamError("not_text", message, { path: this.#url.href, cause });
    }
  }
}
