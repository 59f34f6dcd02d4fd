/**
 * A TCP connection that sends requests, parses response heads, and passes on the bodies without copying.
 * @module
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** The buffer that all connections of this process read into. It is processed before the next read. */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(256 * 1024);

const HEAD_END = "\r\n\r\n";

/** Receives the body: the bytes from `from` up to `to`, exclusive, which are overwritten after the call. */
export interface Body {
  feed(bytes: Buffer, from: number, to: number): void;
}

/** The head of a response. Headers are parsed on demand only, because thousands of heads arrive at once. */
export class Head {
  readonly status: number;
  readonly #lines: readonly string[];

  /** @param text The head, without the empty line at its end. */
  constructor(text: string) {
    this.#lines = text.split("\r\n");
    this.status = Number(this.#lines[0]?.split(" ")[1]);
  }

  /** Returns the value of a header by its lower-case name. */
  header(name: string): string | undefined {
    const line = this.#lines.find((each) => each.slice(0, name.length + 1).toLowerCase() === `${name}:`);
    return line?.slice(name.length + 1).trim();
  }
}

/** Callbacks of a connection. */
export interface ConnectionEvents {
  /** Called with a response head; returns the receiver of the body. Throw to end the connection. */
  opened(head: Head): Body;
  /** Called when the connection has closed, with an error unless the peer ended it normally. */
  closed(error: Error | undefined): void;
}

/** A request. */
export interface Request {
  readonly method?: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A serialized request and its destination. Many connections may share one. */
export class Outgoing {
  readonly host: string;
  readonly port: number;
  readonly bytes: Uint8Array;

  /** @param request The request to serialize. */
  constructor(request: Request) {
    const { hostname, port } = request.url;
    this.host = hostname.replace(/^\[|\]$/g, "");
    this.port = Number(port || 80);
    this.bytes = serialize(request);
  }
}

/** A TCP connection. */
export class Connection {
  readonly socket: Socket;
  readonly #events: ConnectionEvents;
  #head = "";
  #body: Body | undefined;
  #error: Error | undefined;
  #stalled = false;

  /** Connects and sends the request. */
  constructor(request: Outgoing, events: ConnectionEvents) {
    this.#events = events;
    const { host, port } = request;
    const callback = (size: number): boolean => this.#read(size);
    this.socket = connect({ host, port, noDelay: true, onread: { buffer: READ_BUFFER, callback } });
    this.socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.socket.once("close", () => events.closed(this.#error));
    this.send(request);
  }

  /** Sends another request on the same connection; the next head belongs to it. */
  send({ bytes }: Outgoing): boolean {
    this.#body = undefined;
    this.#head = "";
    return this.socket.write(bytes);
  }

  /** Stops reading. */
  stall(): void {
    this.#stalled = true;
    this.socket.pause();
  }

  /** Continues reading. */
  resume(): void {
    this.#stalled = false;
    this.socket.resume();
  }

  /** Resets the connection. */
  drop(): void {
    this.socket.resetAndDestroy();
  }

  #read(size: number): boolean {
    try {
      if (this.#body) this.#body.feed(READ_BUFFER, 0, size);
      else this.#readHead(size);
    } catch (error) {
      this.#error ??= error as Error;
      this.socket.destroy();
    }
    return !this.#stalled;
  }

  #readHead(size: number): void {
    const before = this.#head.length;
    this.#head += READ_BUFFER.toString("latin1", 0, size);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return;
    this.#body = this.#events.opened(new Head(this.#head.slice(0, end)));
    const from = end + HEAD_END.length - before;
    if (from < size) this.#body.feed(READ_BUFFER, from, size);
  }
}

/** Returns the headers of an upgrade request. */
export function upgradeHeaders(protocol: string | undefined): Record<string, string> {
  return {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    ...(protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol }),
  };
}

function serialize({ method = "GET", url, headers = {}, body }: Request): Uint8Array {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body) lines.push(`Content-Length: ${body.length}`);
  const head = Buffer.from(lines.join("\r\n") + HEAD_END, "latin1");
  return body ? Buffer.concat([head, body]) : head;
}
