/**
 * WebSockets through the `ws` package, on Node, Deno and Bun: headers, exact bytes in text frames, backpressure in both
 * directions, and the whole response of a server that does not upgrade.
 * @module
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { aborted, broken, type Closing, noSubprotocol } from "./failure.ts";
import { CLOSE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, SEND_BUFFER_BYTES } from "./limits.ts";
import { MessageCutter } from "./message-cutter.ts";
import { isOriginalServer } from "./original-server.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "./socket.ts";
import { socketUrl } from "./target.ts";

const OPTIONS = {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

/** Idle time in milliseconds before the operating system sends TCP keepalive probes. */
const TCP_KEEPALIVE_MS = 15_000;

/**
 * The result of an attempt if the server did not select the subprotocol and the implementation therefore disconnected.
 */
const DECLINED = Symbol("declined");

/**
 * Opens a WebSocket with `ws`.
 *
 * @throws {StreamError} `unreachable`, `aborted`, or `protocol` if the server does not select a required subprotocol.
 */
export async function connectWs(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
  const { url, headers, requireProtocol, protocol, ...plain } = request;
  // Bun's own `ws` disconnects if the server does not select the subprotocol, which the original server would record as
  // an append.
  const offer = protocol !== undefined && !(isBun() && !requireProtocol && (await isOriginalServer(request)));
  const answer = await attempt(offer ? request : { url, headers, ...plain }, handler);
  if (answer !== DECLINED) return answer;
  if (requireProtocol) throw noSubprotocol(url);
  const second = await attempt({ url, headers, ...plain }, handler);
  if (second === DECLINED) throw noSubprotocol(url);
  return second;
}

async function attempt(
  request: SocketRequest,
  handler: SocketHandler,
): Promise<ClientSocket | Response | typeof DECLINED> {
  const { url, headers, signal, protocol, requireProtocol } = request;
  // A dynamic import, so that browser bundles do not include the package.
  const { WebSocket } = await import("ws");
  if (signal.aborted) throw aborted(signal, url);
  return await new Promise((resolve, reject) => {
    // Bun does not expose the network socket, so messages of a classic server cannot be split, and one may hold a large
    // file.
    const unlimited = isBun() && protocol === undefined ? { maxPayload: 0 } : {};
    const options = { ...OPTIONS, ...unlimited, headers: Object.fromEntries(headers) };
    const ws = new WebSocket(socketUrl(url), protocol === undefined ? [] : [protocol], options);
    const settled = (): void => clearTimeout(timer);
    const abort = (): void => ws.terminate();
    // A separate timer, because the one of `ws` keeps running while the body of a response without upgrade is read.
    const timer = setTimeout(() => {
      failure = new Error(`no answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s`);
      ws.terminate();
    }, HANDSHAKE_TIMEOUT_MS);
    let failure: unknown;
    let taken = "";
    let declined = false;
    let isOpen = false;
    let networkSocket: Socket | null = null;
    signal.addEventListener("abort", abort, { once: true });
    ws.on("error", (error) => {
      failure ??= error;
    });
    ws.on("upgrade", (response) => {
      // Bun does not expose the socket here.
      networkSocket = response.socket as Socket | null;
      networkSocket?.setKeepAlive(true, TCP_KEEPALIVE_MS);
      taken = response.headers["sec-websocket-protocol"] ?? "";
      declined = protocol !== undefined && taken !== protocol;
      // `ws` disconnects if the server does not select the offer. Here, such a server is a classic one.
      if (declined && !requireProtocol && protocol !== undefined) response.headers["sec-websocket-protocol"] = protocol;
    });
    ws.on("unexpected-response", (asked, response) => {
      settled();
      // The signal is shared by many attempts, so a finished one must remove its listener.
      resolve(toResponse(asked, response, () => signal.removeEventListener("abort", abort)));
    });
    ws.on("open", () => {
      settled();
      isOpen = true;
      if (networkSocket && taken !== PROTOCOL) cutMessages(networkSocket);
      resolve(new WsSocket(ws, url, taken));
    });
    ws.on("message", (data, isBinary) => handler.frame(plainBytes(data as Buffer), !isBinary));
    ws.on("ping", () => handler.heard?.());
    ws.on("close", (code, reason) => {
      settled();
      signal.removeEventListener("abort", abort);
      if (!isOpen) {
        if (signal.aborted) reject(aborted(signal, url));
        else if (declined) resolve(DECLINED);
        else reject(broken(failure, url));
        return;
      }
      const closing: Closing = { code, reason: reason.toString() };
      handler.closed(failure === undefined ? closing : { ...closing, error: failure });
    });
  });
}

function isBun(): boolean {
  return process.versions["bun"] !== undefined;
}

class WsSocket implements ClientSocket {
  readonly exactText = true;
  readonly protocol: string;
  readonly #ws: WebSocket;
  readonly #url: URL;

  constructor(ws: WebSocket, url: URL, protocol: string) {
    this.#ws = ws;
    this.#url = url;
    this.protocol = protocol;
  }

  get pending(): number {
    return this.#ws.bufferedAmount;
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

/** @param onBodyEnd Called once the body has ended, for any reason. */
function toResponse(asked: ClientRequest, message: IncomingMessage, onBodyEnd: () => void): Response {
  const headers = new Headers();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  const status = message.statusCode ?? 500;
  const statusText = message.statusMessage ?? "";
  if ([101, 204, 205, 304].includes(status)) {
    hangUp(asked);
    onBodyEnd();
    return new Response(null, { status: status === 101 ? 500 : status, statusText, headers });
  }
  return new Response(bodyOf(asked, message, onBodyEnd), { status, statusText, headers });
}

function bodyOf(asked: ClientRequest, message: IncomingMessage, onBodyEnd: () => void): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        message.on("data", (chunk: Buffer) => {
          if (isOver) return;
          controller.enqueue(plainBytes(chunk));
          if ((controller.desiredSize ?? 0) <= 0) message.pause();
        });
        message.on("end", () => {
          if (!isOver && message.complete) controller.close();
          isOver ||= message.complete;
          if (isOver) onBodyEnd();
          // Some servers keep the connection open, although it is never reused.
          hangUp(asked);
        });
        const fail = (error?: Error): void => {
          if (!isOver) controller.error(error ?? new Error("the response broke off"));
          isOver = true;
          onBodyEnd();
        };
        message.on("error", fail);
        message.on("close", () => fail());
      },
      pull() {
        message.resume();
      },
      cancel() {
        isOver = true;
        onBodyEnd();
        hangUp(asked);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
  );
}

/** Node does not close the socket of a completed request, and Bun does not expose it. */
function hangUp(asked: ClientRequest): void {
  asked.destroy();
  (asked.socket as Socket | null)?.destroy();
}

/** Returns the bytes as a plain `Uint8Array`. */
function plainBytes(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

type Take = (this: Socket, bytes: Uint8Array) => void;

/**
 * Splits the messages on a network socket before its WebSocket reads them. Call it when the WebSocket has just opened.
 */
function cutMessages(socket: Socket): void {
  // The listener with which `ws` reads its socket. No other listener exists yet.
  const [take, ...others] = socket.listeners("data") as Take[];
  if (!take || others.length > 0) return;
  const cutter = new MessageCutter();
  const feed = (chunk: Uint8Array): void => {
    for (const part of cutter.cut(chunk)) take.call(socket, part);
  };
  socket.off("data", take);
  socket.on("data", feed);
  // `ws` reads the remaining bytes itself when the socket closes, so this listener must run first.
  socket.prependListener("close", () => {
    for (let rest = socket.read() as Uint8Array | null; rest !== null; rest = socket.read()) feed(rest);
  });
}
