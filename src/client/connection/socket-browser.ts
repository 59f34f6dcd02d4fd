/**
 * WebSockets of browsers. They hide why a server refused, send no headers, cannot be paused, and convert text frames to
 * strings. This file and `follow/` compensate for that with plain requests.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { aborted, broken } from "./failure.ts";
import { DRAIN_POLL_MS, MAX_REDIRECTS, SEND_BUFFER_BYTES } from "./limits.ts";
import { isOriginalServer } from "./original-server.ts";
import { withOurs } from "./redirect.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "./socket.ts";
import { socketUrl } from "./target.ts";

/** Attempts to open a WebSocket when plain requests show that the server would accept one. The obstacle may be gone. */
const TRIES = 2;

/**
 * Opens a WebSocket with the platform's own class.
 *
 * @throws {StreamError} `bad_request` for headers, `unreachable`, `aborted`.
 */
export async function connectBrowser(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
  const { url, headers, signal } = request;
  if (!headers.keys().next().done) {
    throw new StreamError("bad_request", "A browser's WebSocket can't send request headers.", { path: url.href });
  }
  // A browser disconnects if the server does not select the subprotocol, which the original server would record as an
  // append.
  const { protocol, requireProtocol, ...plain } = request;
  const offer = protocol !== undefined && (requireProtocol || !(await isOriginalServer(request)));
  let asked = url;
  for (let tried = 0, redirects = 0; tried < TRIES; tried++) {
    if (signal.aborted) throw aborted(signal, url);
    const socket = await opened({ ...(offer ? request : plain), url: asked }, handler);
    if (socket) return socket;
    // The browser hides the reason for the refusal; a plain request to the same URL gets the same answer.
    const response = await fetch(asked, { signal, cache: "no-store", referrerPolicy: "no-referrer" }).catch(
      (error: unknown) => {
        throw signal.aborted ? aborted(signal, url) : broken(error, url);
      },
    );
    const place = response.redirected && redirects < MAX_REDIRECTS ? withOurs(new URL(response.url), asked) : undefined;
    if (!place && response.status !== 426) return response;
    await response.body?.cancel();
    if (!place) continue;
    // The plain request was redirected; WebSockets do not follow redirects.
    asked = place;
    redirects++;
    tried = -1;
  }
  throw broken(new Error("it answers plain requests, but WebSockets are blocked"), url);
}

/** Resolves with the open socket, or with undefined if it could not be opened. */
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
      const message = "This server accepts only text, and a browser can't send these bytes as text.";
      throw new StreamError("not_text", message, { path: this.#url.href, cause });
    }
  }
}
