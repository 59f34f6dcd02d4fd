/**
 * WebSockets through the `ws` package, on Node, Deno and Bun: headers, exact bytes in text frames, backpressure both
 * ways, and the whole response of a server that does not upgrade.
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
import { isOriginal } from "./peer.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "./socket.ts";
import { socketUrl } from "./target.ts";

const OPTIONS = {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

/** Milliseconds of silence after which the operating system asks whether the other end is still there. */
const TCP_KEEPALIVE_MS = 15_000;

/** What an attempt comes to when the server did not take the subprotocol, and the platform has hung up on it. */
const DECLINED = Symbol("declined");

/** Opens a WebSocket with `ws`. */
export async function connectWs(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
  const { url, headers, requireProtocol, protocol, ...plain } = request;
  // Bun's own `ws` hangs up where the subprotocol is not taken. The original server would take that for an append.
  const offer = protocol !== undefined && !(isBun() && !requireProtocol && (await isOriginal(request)));
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
  // Not a static import: a browser's bundle must not need the package.
  const { WebSocket } = await import("ws");
  if (signal.aborted) throw aborted(signal, url);
  return await new Promise((resolve, reject) => {
    // Bun shows no network socket, so that messages of a classic server can't be cut: it may be one with a large file.
    const unlimited = isBun() && protocol === undefined ? { maxPayload: 0 } : {};
    const options = { ...OPTIONS, ...unlimited, headers: Object.fromEntries(headers) };
    const ws = new WebSocket(socketUrl(url), protocol === undefined ? [] : [protocol], options);
    const settled = (): void => clearTimeout(timer);
    const abort = (): void => ws.terminate();
    // An own timer: the one of `ws` goes on to run on the body of a response that does not upgrade.
    const timer = setTimeout(() => {
      failure = new Error(`no answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s`);
      ws.terminate();
    }, HANDSHAKE_TIMEOUT_MS);
    let failure: unknown;
    let taken = "";
    let declined = false;
    let isOpen = false;
    let below: Socket | null = null;
    signal.addEventListener("abort", abort, { once: true });
    ws.on("error", (error) => {
      failure ??= error;
    });
    ws.on("upgrade", (response) => {
      // Bun shows no socket here.
      below = response.socket as Socket | null;
      below?.setKeepAlive(true, TCP_KEEPALIVE_MS);
      taken = response.headers["sec-websocket-protocol"] ?? "";
      declined = protocol !== undefined && taken !== protocol;
      // `ws` hangs up on a server that does not take the offer; here that server is a classic one.
      if (declined && !requireProtocol && protocol !== undefined) response.headers["sec-websocket-protocol"] = protocol;
    });
    ws.on("unexpected-response", (asked, response) => {
      settled();
      // One signal is for many attempts: what is done with must let go of it.
      resolve(toResponse(asked, response, () => signal.removeEventListener("abort", abort)));
    });
    ws.on("open", () => {
      settled();
      isOpen = true;
      if (below && taken !== PROTOCOL) cutMessages(below);
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

/** @param over Called once the body has ended, however that was. */
function toResponse(asked: ClientRequest, message: IncomingMessage, over: () => void): Response {
  const headers = new Headers();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  const status = message.statusCode ?? 500;
  const statusText = message.statusMessage ?? "";
  if ([101, 204, 205, 304].includes(status)) {
    hangUp(asked);
    over();
    return new Response(null, { status: status === 101 ? 500 : status, statusText, headers });
  }
  return new Response(bodyOf(asked, message, over), { status, statusText, headers });
}

function bodyOf(asked: ClientRequest, message: IncomingMessage, over: () => void): ReadableStream<Uint8Array> {
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
          if (isOver) over();
          // Some servers leave the connection open, and nobody would ever use it again.
          hangUp(asked);
        });
        const fail = (error?: Error): void => {
          if (!isOver) controller.error(error ?? new Error("the response broke off"));
          isOver = true;
          over();
        };
        message.on("error", fail);
        message.on("close", () => fail());
      },
      pull() {
        message.resume();
      },
      cancel() {
        isOver = true;
        over();
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

type Take = (this: Socket, bytes: Uint8Array) => void;

/** Lets a WebSocket on a network socket see small messages only. Call it when the WebSocket has just opened. */
function cutMessages(socket: Socket): void {
  // How the package reads its socket. There is nobody else yet who does.
  const [take, ...others] = socket.listeners("data") as Take[];
  if (!take || others.length > 0) return;
  const cutter = new MessageCutter();
  const feed = (chunk: Uint8Array): void => {
    for (const part of cutter.cut(chunk)) take.call(socket, part);
  };
  socket.off("data", take);
  socket.on("data", feed);
  // What was not read yet when the connection went the package reads by itself: not before us.
  socket.prependListener("close", () => {
    for (let rest = socket.read() as Uint8Array | null; rest !== null; rest = socket.read()) feed(rest);
  });
}
