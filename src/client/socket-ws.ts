/**
 * WebSockets through the `ws` package, on Node, Deno and Bun: headers, exact bytes in text frames, backpressure both
 * ways, and the whole response of a server that does not upgrade.
 * @module
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { aborted, broken, type Closing } from "./failure.ts";
import { CLOSE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, SEND_BUFFER_BYTES } from "./limits.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "./socket.ts";
import { socketUrl } from "./target.ts";

const OPTIONS = {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

/** Milliseconds of silence after which the operating system asks whether the other end is still there. */
const TCP_KEEPALIVE_MS = 15_000;

/** Opens a WebSocket with `ws`. */
export async function connectWs(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
  const { url, headers, signal } = request;
  // Not a static import: a browser's bundle must not need the package.
  const { WebSocket } = await import("ws");
  if (signal.aborted) throw aborted(signal, url);
  return await new Promise((resolve, reject) => {
    const ws = new WebSocket(socketUrl(url), { ...OPTIONS, headers: Object.fromEntries(headers) });
    const settled = (): void => clearTimeout(timer);
    const abort = (): void => ws.terminate();
    // An own timer: the one of `ws` goes on to run on the body of a response that does not upgrade.
    const timer = setTimeout(() => {
      failure = new Error(`no answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s`);
      ws.terminate();
    }, HANDSHAKE_TIMEOUT_MS);
    let failure: unknown;
    let isOpen = false;
    signal.addEventListener("abort", abort, { once: true });
    ws.on("error", (error) => {
      failure ??= error;
    });
    // Bun shows no socket here.
    ws.on("upgrade", ({ socket }) => (socket as Socket | null)?.setKeepAlive(true, TCP_KEEPALIVE_MS));
    ws.on("unexpected-response", (asked, response) => {
      settled();
      resolve(toResponse(asked, response));
    });
    ws.on("open", () => {
      settled();
      isOpen = true;
      resolve(new WsSocket(ws, url));
    });
    ws.on("message", (data, isBinary) => handler.frame(plainBytes(data as Buffer), !isBinary));
    ws.on("close", (code, reason) => {
      settled();
      signal.removeEventListener("abort", abort);
      if (!isOpen) return reject(signal.aborted ? aborted(signal, url) : broken(failure, url));
      const closing: Closing = { code, reason: reason.toString() };
      handler.closed(failure === undefined ? closing : { ...closing, error: failure });
    });
  });
}

class WsSocket implements ClientSocket {
  readonly exactText = true;
  readonly #ws: WebSocket;
  readonly #url: URL;

  constructor(ws: WebSocket, url: URL) {
    this.#ws = ws;
    this.#url = url;
  }

  send(bytes: Uint8Array, text: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ws.once("close", gone);
      const sent = (): void => {
        this.#ws.off("close", gone);
        resolve();
      };
      const url = this.#url;
      function gone(): void {
        reject(broken(new Error("the connection is gone"), url));
      }
      this.#ws.send(bytes, { binary: !text }, (error) => (error ? gone() : sent()));
      if (this.#ws.readyState === this.#ws.OPEN && this.#ws.bufferedAmount <= SEND_BUFFER_BYTES) sent();
    });
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  keepAlive(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.pong();
  }

  close(code: number): void {
    this.#ws.close(code);
  }

  terminate(): void {
    this.#ws.terminate();
  }
}

function toResponse(asked: ClientRequest, message: IncomingMessage): Response {
  const headers = new Headers();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  const status = message.statusCode ?? 500;
  const statusText = message.statusMessage ?? "";
  if ([101, 204, 205, 304].includes(status)) {
    hangUp(asked);
    return new Response(null, { status: status === 101 ? 500 : status, statusText, headers });
  }
  return new Response(bodyOf(asked, message), { status, statusText, headers });
}

function bodyOf(asked: ClientRequest, message: IncomingMessage): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        message.on("data", (chunk: Buffer) => {
          if (over) return;
          controller.enqueue(plainBytes(chunk));
          if ((controller.desiredSize ?? 0) <= 0) message.pause();
        });
        message.on("end", () => {
          if (!over && message.complete) controller.close();
          over ||= message.complete;
          // Some servers leave the connection open, and nobody would ever use it again.
          hangUp(asked);
        });
        const fail = (error?: Error): void => {
          if (!over) controller.error(error ?? new Error("the response broke off"));
          over = true;
        };
        message.on("error", fail);
        message.on("close", () => fail());
      },
      pull() {
        message.resume();
      },
      cancel() {
        over = true;
        hangUp(asked);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
  );
}

/** Node does not close the socket of a request that is complete, and Bun shows none. */
function hangUp(asked: ClientRequest): void {
  asked.destroy();
  (asked.socket as Socket | null)?.destroy();
}

/** The bytes without what a Buffer adds to them. */
function plainBytes(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
