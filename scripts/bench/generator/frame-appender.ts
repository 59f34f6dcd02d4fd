/**
 * An appender over a WebSocket, with one record per frame.
 * @module
 */

import type { Appender } from "./appender.ts";
import { BINARY, CLOSE, clientFrame, PING, PONG, TEXT } from "./client-frames.ts";
import { type Body, Connection, type Head, Outgoing, upgradeHeaders } from "./connection.ts";
import { FrameCycle } from "./frame-cycle.ts";
import type { AppendDialect } from "./protocol.ts";
import type { RecordSpec } from "./records.ts";
import { WebSocketBody } from "./websocket-body.ts";

/** The maximum number of bytes per write, unless a single record is larger. */
const WRITE_BYTES = 64 * 1024;

/** The payload of a close frame with code 1000. */
const NORMAL = Buffer.from([0x03, 0xe8]);

/** The v1 message that ends an append. */
const END = Buffer.from('{"type":"end"}');

/** The text that requests the number of received bytes; any text does. */
const COUNT = Buffer.from("count");

/** An appender over a WebSocket. */
export class FrameAppender implements Appender {
  readonly opened: Promise<void>;
  readonly #connection: Connection;
  readonly #dialect: AppendDialect;
  readonly #spec: RecordSpec;
  readonly #frames: FrameCycle;
  #open: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #next = 0;
  /** The numbers of bytes sent and confirmed on this connection. */
  #sent = 0;
  #confirmed = 0;
  /** The offset at which the append began. */
  #base = 0;
  #window = Number.POSITIVE_INFINITY;
  #said = "";
  #broken: Error | undefined;
  #wake: () => void = () => {};

  /** Connects. */
  constructor(url: URL, dialect: AppendDialect, spec: RecordSpec) {
    this.#dialect = dialect;
    this.#spec = spec;
    this.#frames = FrameCycle.of(spec, dialect === "frames");
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    const protocol = dialect === "v1" ? "httpfstream.v1" : undefined;
    this.#connection = new Connection(new Outgoing({ url, headers: upgradeHeaders(protocol) }), {
      opened: (head) => this.#opened(head),
      closed: (error) => this.#closed(error),
    });
    this.#connection.socket.on("drain", () => this.#wake());
  }

  async flood(records: number): Promise<void> {
    const { bytes: size } = this.#spec;
    const atOnce = Math.max(1, Math.floor(WRITE_BYTES / size));
    const { socket } = this.#connection;
    for (let left = records; left > 0; ) {
      const slice = this.#frames.slice(this.#next, Math.min(left, atOnce));
      const payload = slice.records * size;
      while (socket.writableNeedDrain || this.#inFlight + payload > this.#window) await this.#change();
      this.#sent += payload;
      this.#next += slice.records;
      left -= slice.records;
      socket.write(slice.bytes);
    }
    while (socket.writableLength > 0) await this.#change();
    await this.settled();
  }

  send(record: Buffer): void {
    this.#sent += record.length;
    this.#connection.socket.write(clientFrame(this.#dialect === "frames" ? TEXT : BINARY, record));
  }

  async settled(): Promise<void> {
    if (this.#dialect === "frames") return;
    if (this.#dialect === "counted") this.#connection.socket.write(clientFrame(TEXT, COUNT));
    while (this.#inFlight > 0) await this.#change();
  }

  async end(): Promise<void> {
    const { socket } = this.#connection;
    socket.write(this.#dialect === "v1" ? clientFrame(TEXT, END) : clientFrame(CLOSE, NORMAL));
    while (!this.#broken) await this.#change().catch(() => {});
  }

  drop(): void {
    this.#connection.drop();
  }

  get #inFlight(): number {
    return this.#sent - this.#confirmed;
  }

  /** Resolves at the next event on the connection; rejects if it has closed. */
  #change(): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#wake = () => (this.#broken ? reject(this.#broken) : resolve());
    });
  }

  #opened(head: Head): Body {
    if (head.status !== 101) throw new Error(`the server answered with status ${head.status}`);
    if (this.#dialect !== "v1") this.#open();
    return new WebSocketBody({
      textIsControl: true,
      data: () => {},
      control: (opcode, payload) => this.#control(opcode, payload),
    });
  }

  #control(opcode: number, payload: Buffer): void {
    const { socket } = this.#connection;
    if (opcode === PING) {
      socket.write(clientFrame(PONG, payload));
    } else if (opcode === CLOSE) {
      this.#said = String(payload.subarray(2));
      socket.end(clientFrame(CLOSE, NORMAL));
    } else if (this.#dialect === "replies") {
      this.#confirmed += this.#spec.bytes;
      this.#wake();
    } else if (this.#dialect === "counted") {
      this.#confirmed = Number(payload);
      this.#wake();
    } else if (this.#dialect === "v1") {
      this.#heard(JSON.parse(String(payload)));
    }
  }

  #heard(message: { type: string; offset: number; window?: number }): void {
    if (message.type === "start") {
      this.#base = message.offset;
      this.#window = message.window ?? this.#window;
      this.#open();
    } else if (message.type === "ack") {
      this.#confirmed = message.offset - this.#base;
      this.#wake();
    }
  }

  #closed(error: Error | undefined): void {
    this.#broken =
      error ?? new Error(`The server closed the appender's connection: ${this.#said || "no reason given"}.`);
    this.#fail(new Error(`An appender could not connect: ${this.#broken.message}`));
    this.#wake();
  }
}
