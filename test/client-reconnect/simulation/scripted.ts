/**
 * An environment in which the test plays the server: it answers each request itself, and may break the protocol.
 * @module
 */
import type { Environment } from "../../../src/client/connection/environment.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "../../../src/client/connection/socket.ts";
import { until } from "../../fixture/until.ts";
import { VirtualClock } from "./clock.ts";

/** Turns of the event loop after which nothing more happens by itself, and most turns in all. */
const QUIET_TURNS = 20;
const MAX_TURNS = 20_000;

interface Settle {
  resolve(answer: ClientSocket | Response): void;
  reject(error: Error): void;
}

/** The server's end of one WebSocket. */
export class ScriptedConnection {
  readonly request: SocketRequest;
  /** The data frames that were received. */
  readonly data: Uint8Array[] = [];
  /** The control messages that were received. */
  readonly controls: string[] = [];
  /** Whether the client has dropped it. */
  dropped = false;
  paused = false;
  readonly #handler: SocketHandler;
  readonly #settle: Settle;

  constructor(request: SocketRequest, handler: SocketHandler, settle: Settle) {
    this.request = request;
    this.#handler = handler;
    this.#settle = settle;
    request.signal.addEventListener("abort", () => this.close(1006));
  }

  /** The payloads of all data frames that were received. */
  get bytes(): Buffer {
    return Buffer.concat(this.data);
  }

  /** Accepts the upgrade. */
  accept(protocol = "httpfstream.v1"): this {
    const note = (): void => {
      this.dropped = true;
    };
    this.#settle.resolve({
      protocol,
      exactText: true,
      pending: 0,
      send: async (bytes, text) => {
        if (text) this.controls.push(new TextDecoder().decode(bytes));
        else this.data.push(bytes.slice());
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      close: note,
      terminate: note,
    });
    return this;
  }

  /** Answers the upgrade request with a plain response. */
  refuse(status: number, headers: Record<string, string> = {}, body: string | null = null): void {
    this.#settle.resolve(new Response(body, { status, headers }));
  }

  /** Fails the attempt, as if no server were reached. */
  fail(): void {
    this.#settle.reject(new Error("connect ECONNREFUSED"));
  }

  /** Sends a control message. */
  say(message: object): this {
    this.#handler.frame(Buffer.from(JSON.stringify(message)), true);
    return this;
  }

  /** Sends data. */
  send(bytes: string | Uint8Array): this {
    this.#handler.frame(Buffer.from(bytes), false);
    return this;
  }

  close(code: number, reason = ""): void {
    this.#handler.closed({ code, reason });
  }
}

/** A plain HTTP request that waits for its response. */
export interface ScriptedRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  /** The body, as text. */
  readonly text: string;
  answer(response: Response): void;
  /** Breaks the connection. */
  fail(): void;
}

/** The environment of a client under test. */
export class ScriptedWorld implements Environment {
  readonly clock: VirtualClock = new VirtualClock();
  readonly takesHeaders: boolean = true;
  readonly connections: ScriptedConnection[] = [];
  readonly requests: ScriptedRequest[] = [];
  readonly random = (): number => 0.5;
  #taken = 0;

  readonly connect = (request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> =>
    new Promise((resolve, reject) => {
      this.connections.push(new ScriptedConnection(request, handler, { resolve, reject }));
    });

  readonly fetch = (url: URL, { method = "GET", headers, body, signal }: RequestInit): Promise<Response> =>
    new Promise((answer, reject) => {
      const fail = (): void => reject(new TypeError("fetch failed"));
      const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
      this.requests.push({ url, method, headers: new Headers(headers), text, answer, fail });
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });

  /** Waits for the next upgrade request, and advances the clock until it comes. */
  async next(): Promise<ScriptedConnection> {
    const connection = await until("the next connection", () => {
      if (this.connections.length > this.#taken) return this.connections[this.#taken];
      this.clock.advance();
      return undefined;
    });
    this.#taken++;
    return connection;
  }

  /** Waits for the next plain HTTP request. Advances the clock only when nothing else happens. */
  async later(): Promise<ScriptedRequest> {
    for (let turn = 1; turn <= MAX_TURNS; turn++) {
      const request = this.requests.shift();
      if (request) return request;
      await new Promise(setImmediate);
      if (turn % QUIET_TURNS === 0) this.clock.advance();
    }
    throw new Error("no request came");
  }

  /** Waits for the next plain HTTP request. */
  request(): Promise<ScriptedRequest> {
    return until("a plain request", () => this.requests.shift());
  }
}
