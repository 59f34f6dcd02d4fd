/**
 * The environment of a case of the wire suite: clients of the server under test, and the case's own folder.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { Connection } from "../../fixture/connection.ts";
import { OPCODE } from "../../fixture/frames.ts";
import { HttpExchange, type HttpRequest, type HttpResponse } from "../../fixture/http.ts";
import { until } from "../../fixture/until.ts";
import { type Closed, type WebSocketOptions, WebSocketPeer } from "../../fixture/websocket.ts";
import type { Difference, Target } from "./target.ts";

/** Milliseconds; longer than anything that a case waits for. */
const CASE_TIMEOUT_MS = 90_000;

/** How many cases of a section run concurrently. */
const CONCURRENCY = 4;

/** The cases of one section, by title. */
export type Cases = Record<string, (wire: Wire) => Promise<void>>;

/** Registers a section of the suite as tests. */
export function section(target: Target, title: string, cases: Cases): void {
  describe(title, { concurrency: CONCURRENCY }, () => {
    for (const [name, body] of Object.entries(cases)) {
      it(name, { timeout: CASE_TIMEOUT_MS }, async (context) => {
        const wire = new Wire(target, context);
        try {
          await body(wire);
        } finally {
          wire.dispose();
        }
      });
    }
  });
}

/** The server as seen by one case: its clients, and its own folder. */
export class Wire {
  readonly target: Target;
  /** The path of the target's URL, without a trailing slash. */
  readonly mount: string;
  /** The name of this case's own folder below the mount. */
  readonly folder: string = `wire-${randomBytes(6).toString("hex")}`;
  readonly #kind: "text" | "binary";
  readonly #context: TestContext;
  readonly #connections: Connection[] = [];

  constructor(target: Target, context: TestContext) {
    this.target = target;
    this.mount = new URL(target.url).pathname.replace(/\/$/, "");
    this.#kind = this.differs("text appends") ? "binary" : "text";
    this.#context = context;
  }

  /** The declared reason for a difference; undefined if the server must behave as the contract says. */
  differs(difference: Difference): string | undefined {
    return this.target.differs?.[difference];
  }

  /** The opcode of an appender's data frames: text, like the Go client's, if the server accepts it. */
  get opcode(): number {
    return OPCODE[this.#kind];
  }

  /** Marks the case as skipped. The case must return right after this. */
  skip(reason: string): void {
    this.#context.skip(reason);
  }

  /** The request target of a raw path in this case's folder, as in `at("a.txt", "verb=FOLLOW")`. */
  at(path: string, query = ""): string {
    return `${this.mount}/${this.folder}/${path}${query && `?${query}`}`;
  }

  /** The full URL of a raw path in this case's folder, for other programs. */
  url(path: string, query = ""): string {
    return new URL(this.target.url).origin + this.at(path, query);
  }

  /** Opens a raw connection. */
  async connect(): Promise<Connection> {
    return this.#own(await Connection.open(this.target.url));
  }

  /** Sends a request; the response can be read as it arrives. */
  async start(request: HttpRequest): Promise<HttpExchange> {
    const exchange = await HttpExchange.start(this.target.url, request);
    this.#own(exchange.connection);
    return exchange;
  }

  /** Sends a request and waits for the complete response. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const exchange = await this.start(request);
    const response = await exchange.response();
    exchange.connection.drop();
    return response;
  }

  /** Reads a path with GET. */
  get(path: string, query = "", headers: Record<string, string> = {}): Promise<HttpResponse> {
    return this.send({ target: this.at(path, query), headers });
  }

  /** Appends over plain HTTP, and expects success. */
  async put(path: string, body: string | Uint8Array): Promise<HttpResponse> {
    const response = await this.send({ method: "POST", target: this.at(path, "verb=APPEND"), body });
    assert.equal(response.status, 200, `POST ${path}: ${response.text}`);
    return response;
  }

  /** Starts an append over plain HTTP whose body the caller sends in chunks. */
  startPut(path: string, method = "PUT", headers: Record<string, string> = {}): Promise<HttpExchange> {
    const target = this.at(path, "verb=APPEND");
    return this.start({ method, target, headers: { ...headers, "Transfer-Encoding": "chunked" } });
  }

  /** Requests an upgrade; the caller handles the response. */
  async upgrade(options: WebSocketOptions): Promise<WebSocketPeer> {
    const peer = await WebSocketPeer.open(this.target.url, { kind: this.#kind, ...options });
    this.#own(peer.connection);
    return peer;
  }

  /** Opens an appender, and expects it to be admitted. */
  async appender(path: string, options: Partial<WebSocketOptions> = {}): Promise<WebSocketPeer> {
    return await (await this.upgrade({ target: this.at(path, "verb=APPEND"), ...options })).opened();
  }

  /** Opens a follower, and expects the upgrade to succeed. */
  async follower(path: string, options: Partial<WebSocketOptions> = {}): Promise<WebSocketPeer> {
    return await (await this.upgrade({ target: this.at(path, "verb=FOLLOW"), ...options })).opened();
  }

  /** Waits until the path has an appender, and follows it. */
  async admittedFollower(path: string): Promise<WebSocketPeer> {
    return await this.#admitted(path, "FOLLOW");
  }

  /** Waits until the path has no appender, and returns the 200 or 404 that the request for an upgrade then gets. */
  async idle(path: string): Promise<HttpResponse> {
    return await until(`the path ${path} to have no appender`, async () => {
      const peer = await this.upgrade({ target: this.at(path, "verb=FOLLOW") });
      const { status } = await peer.head;
      const response = status === 101 ? undefined : await peer.response();
      peer.connection.drop();
      return response;
    });
  }

  /** Waits until the path has no appender, and returns the stored bytes. */
  async stored(path: string): Promise<Buffer> {
    const response = await this.idle(path);
    assert.equal(response.status, 200, response.text);
    return response.body;
  }

  /** Retries until a new appender is admitted, and returns it. */
  async admitted(path: string): Promise<WebSocketPeer> {
    return await this.#admitted(path, "APPEND");
  }

  /** Drops all connections. */
  dispose(): void {
    for (const connection of this.#connections) connection.drop();
  }

  async #admitted(path: string, verb: "APPEND" | "FOLLOW"): Promise<WebSocketPeer> {
    return await until(`an upgrade to ${verb} ${path}`, async () => {
      const peer = await this.upgrade({ target: this.at(path, `verb=${verb}`) });
      if ((await peer.head).status === 101) return peer;
      peer.connection.drop();
      return undefined;
    });
  }

  #own(connection: Connection): Connection {
    this.#connections.push(connection);
    return connection;
  }
}

/** Expects a normal close after exactly these bytes. */
export async function expectEnd(follower: WebSocketPeer, expected: Uint8Array | string): Promise<void> {
  const closed: Closed = await follower.end();
  assert.deepEqual(
    [follower.received.length, closed],
    [Buffer.byteLength(expected), { code: 1000, reason: closed.reason }],
  );
  assert.ok(follower.received.bytes().equals(Buffer.from(expected)), "the follower's bytes are not the appended ones");
}

/** Expects that the response declares the length of its body. */
export function expectLength(wire: Wire, response: HttpResponse): void {
  const declared = response.headers.get("content-length");
  if (declared === null && wire.differs("content length")) return;
  assert.equal(declared, String(response.body.length), "Content-Length");
}
