/** HTTP: connections that send requests and pass on the bodies without copying, and decoders of bodies. @module */
import { connect, type Socket } from "node:net";

/** The memory that all connections read into. The headroom is for what a decoder could not use of an earlier read. */
const HEADROOM = 64 * 1024;
const MEMORY: Buffer = Buffer.allocUnsafeSlow(HEADROOM + 256 * 1024);
const READ_BUFFER = MEMORY.subarray(HEADROOM);

const HEAD_END = "\r\n\r\n";

/** Receives the bytes from `from` up to `to`, exclusive, which the next read overwrites. */
export interface Body {
  feed(bytes: Buffer, from: number, to: number): void;
}

/** Decodes the bytes from `from` up to `to`, exclusive, and returns the position from which it needs more of them. */
export type Decoder = (bytes: Buffer, from: number, to: number) => number;

/** A request as it is sent. Many connections may share one. */
export interface Request {
  readonly host: string;
  readonly port: number;
  readonly head: string;
}

/** Creates a request. The numbered connection of a template gets its number in place of `{n}`. */
export function requestOf(template: string, number: number, headers: Record<string, string>, method = "GET"): Request {
  const { hostname, port, host, pathname, search } = new URL(template.replaceAll("{n}", String(number)));
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${pathname}${search} HTTP/1.1`, ...lines].join("\r\n") + HEAD_END;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), head };
}

/** What a connection reports. */
export interface ConnectionEvents {
  /** The status that the response must have, or another one from 200 to 299 instead of 200. */
  readonly status: 101 | 200;
  /** The head of a response has arrived. Returns the decoder of the body, which calls `ended` if another one follows. */
  readonly opened: (head: string, ended: () => void) => Decoder;
  /** The connection has closed, with an error unless the server ended it normally. */
  readonly closed: (error: Error | undefined) => void;
}

/** A TCP connection that reads, or is stalled. */
export interface Connection {
  readonly socket: Socket;
  readonly stall: (isStalled: boolean) => void;
}

/** Connects and sends the request. */
export function openConnection({ host, port, head }: Request, events: ConnectionEvents): Connection {
  const readHead: Decoder = (bytes, from, to) => {
    const end = bytes.subarray(from, to).indexOf(HEAD_END);
    if (end < 0) return from;
    const answer = bytes.toString("latin1", from, from + end);
    const status = Number(answer.split(" ", 2)[1]);
    if (status !== events.status && Math.floor(status / 100) !== events.status / 100) {
      throw new Error(`the server answered with status ${status}`);
    }
    decode = events.opened(answer, () => {
      decode = readHead;
    });
    return decode(bytes, from + end + HEAD_END.length, to);
  };
  let decode = readHead;
  let rest: Buffer | undefined;
  let failure: Error | undefined;
  let isReading = true;
  const callback = (size: number): boolean => {
    try {
      const from = HEADROOM - (rest?.copy(MEMORY, HEADROOM - rest.length) ?? 0);
      const to = HEADROOM + size;
      const end = decode(MEMORY, from, to);
      if (to - end > HEADROOM) throw new Error("a head or a control message is too long");
      rest = end < to ? Buffer.from(MEMORY.subarray(end, to)) : undefined;
    } catch (error) {
      socket.destroy(error as Error);
    }
    return isReading;
  };
  const socket = connect({ host, port, noDelay: true, onread: { buffer: READ_BUFFER, callback } });
  socket.on("error", (error) => {
    failure ??= error;
  });
  socket.once("close", () => events.closed(failure));
  socket.write(head, "latin1");
  const stall = (isStalled: boolean): void => {
    isReading = !isStalled;
    socket[isStalled ? "pause" : "resume"]();
  };
  return { socket, stall };
}

const LF = 0x0a;

/** A connection that sends one request after the other, each when the response to the last one has ended. */
export type Calls = ReturnType<typeof openCalls>;

/** Connects to the server of a request, without sending it. All bodies go to `data`. */
export function openCalls(request: Request, data: Body = { feed() {} }) {
  const silent = { ...request, head: "" };
  let answered: (head: string | Error) => void = () => {};
  const open = (): Connection => {
    const opened: Connection = openConnection(silent, {
      status: 200,
      opened: (head, ended) =>
        decoderOf(head, data, () => {
          ended();
          answered(head);
        }),
      closed(error) {
        if (opened === connection) answered(error ?? new Error("the server closed the connection"));
      },
    });
    return opened;
  };
  let connection = open();
  return {
    connection: () => connection,
    /** Sends a request, and returns the head of the response when all of it has arrived. */
    call(head: string, body?: Buffer): Promise<string> {
      return new Promise((resolve, reject) => {
        answered = (answer) => (typeof answer === "string" ? resolve(answer) : reject(answer));
        // Servers close connections that are idle for a few seconds.
        if (connection.socket.destroyed) connection = open();
        const { socket } = connection;
        socket.cork();
        socket.write(head, "latin1");
        if (body) socket.write(body);
        socket.uncork();
      });
    },
  };
}

/**
 * Creates the decoder of a body of known length, of one that ends with the connection, or of a chunked one. It calls
 * `ended` after the last byte of a response, unless that ends with the connection.
 */
export function decoderOf(head: string, inner: Body, ended: () => void = () => {}): Decoder {
  const isChunked = /^transfer-encoding:.*chunked/im.test(head);
  const [, length] = /^content-length:\s*(\d+)/im.exec(head) ?? (/^\S+ 204/.test(head) ? ["", "0"] : []);
  /** How many bytes of the body, or of the current chunk, have not arrived yet. */
  let left = isChunked ? 0 : Number(length ?? Number.POSITIVE_INFINITY);
  /** Whether the size of the last chunk, and whether all chunks have arrived. */
  let [isLast, isWhole] = [false, !isChunked];
  const nextChunk = (line: string): void => {
    // The line break after a chunk reads as an empty line, which has no size.
    left = Number.parseInt(line, 16) || 0;
    isWhole = isLast;
    isLast = left === 0 && line.startsWith("0");
  };
  return (bytes, from, to) => {
    for (let at = from; ; ) {
      const end = Math.min(to, at + left);
      if (end > at) inner.feed(bytes, at, end);
      left -= end - at;
      if (end === to) {
        if (isWhole && left === 0) ended();
        return to;
      }
      if (isWhole) throw new Error("the body is longer than its head says");
      const lineEnd = bytes.indexOf(LF, end);
      if (lineEnd < 0 || lineEnd >= to) return end;
      nextChunk(bytes.toString("latin1", end, lineEnd));
      at = lineEnd + 1;
    }
  };
}

/** Decodes an event stream to the data of its events, except control events. Each event's data must be on one line. */
export function sseBody(data: Body): Body {
  let prefix = "";
  let event = "";
  /** The field of the current line, or undefined until its name is complete. */
  let field: "data" | "event" | "other" | undefined;
  const readName = (byte: number): void => {
    if (byte === LF) {
      // An empty line ends the event.
      if (prefix === "") event = "";
      prefix = "";
      return;
    }
    prefix += String.fromCharCode(byte);
    if (prefix === "data:") field = "data";
    else if (prefix === "event:") field = "event";
    else if (prefix.length > "event:".length) field = "other";
    if (field !== undefined) prefix = "";
  };
  return {
    feed(bytes, from, to) {
      for (let at = from; at < to; ) {
        if (field === undefined) {
          readName(bytes[at++] as number);
          continue;
        }
        const lineEnd = bytes.indexOf(LF, at);
        const end = lineEnd < 0 || lineEnd >= to ? to : lineEnd;
        if (field === "data" && event !== "control") data.feed(bytes, at, end);
        else if (field === "event") event += bytes.toString("latin1", at, end).trim();
        if (end < to) field = undefined;
        at = end + 1;
      }
    },
  };
}
