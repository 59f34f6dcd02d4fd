/** The frames of RFC 6455: cycles of those of a client, and a decoder of a server's, which copies no data. @module */
import { randomBytes } from "node:crypto";
import { encodeFrame, OPCODE } from "../../../test/fixture/frames.ts";
import { type Body, type Connection, type Decoder, openConnection, type Request, requestOf } from "./connection.ts";
import { cycle } from "./records.ts";

const cycles = new Map<string, Buffer>();

/** Returns a cycle of records with one frame each, built once so that a flood costs the generator little. */
export function frameCycle(opcode: number, recordBytes: number): Buffer {
  const key = `${opcode} ${recordBytes}`;
  const known = cycles.get(key);
  if (known) return known;
  const payload = cycle(recordBytes);
  const records = Array.from({ length: payload.length / recordBytes }, (_, number) => number * recordBytes);
  const made = Buffer.concat(records.map((at) => encodeFrame(opcode, payload.subarray(at, at + recordBytes))));
  cycles.set(key, made);
  return made;
}

/** Creates the request for a WebSocket. Connections may share it with its key, as nothing checks the accept value. */
export function upgradeRequest(url: string, number: number, isV1: boolean): Request {
  return requestOf(url, number, {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    ...(isV1 ? { "Sec-WebSocket-Protocol": "httpfstream.v1" } : {}),
  });
}

/** What a WebSocket passes on. */
export interface SocketEvents {
  readonly opened: () => void;
  readonly data: Body;
  /** Receives text frames. Default: they are data. */
  readonly text?: (payload: Buffer) => void;
  readonly closed: (reason: string) => void;
}

/** Opens a WebSocket, which answers pings and the close of the server. */
export function openWebSocket(request: Request, { data, text, opened, closed }: SocketEvents): Connection {
  let said = "the server closed the connection";
  const control = (opcode: number, payload: Buffer): void => {
    if (opcode === OPCODE.text) text?.(payload);
    if (opcode === OPCODE.ping) connection.socket.write(encodeFrame(OPCODE.pong, payload));
    if (opcode !== OPCODE.close) return;
    said = `the server said ${payload.length < 2 ? "close" : payload.readUInt16BE(0)} ${payload.subarray(2)}`;
    connection.socket.end(encodeFrame(OPCODE.close, payload.subarray(0, 2)));
  };
  const connection: Connection = openConnection(request, {
    status: 101,
    opened() {
      opened();
      return frameDecoder(data, text !== undefined, control);
    },
    closed: (error) => closed(error?.message ?? said),
  });
  return connection;
}

/** Creates a decoder of frames. Control messages, which may include text frames, are not fragmented. */
function frameDecoder(data: Body, textIsControl: boolean, control: (opcode: number, payload: Buffer) => void): Decoder {
  /** How many bytes of the current data frame have not arrived yet. */
  let left = 0;
  /** Decodes a header, or a control message, and returns the position after it, or the same position if it has to wait. */
  const next = (bytes: Buffer, at: number, to: number): number => {
    if (at + 2 > to) return at;
    const short = (bytes[at + 1] as number) & 0x7f;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    if (start > to) return at;
    const size =
      short < 126 ? short : Number(short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readBigUInt64BE(at + 2));
    const opcode = (bytes[at] as number) & 0x0f;
    if (opcode <= OPCODE.binary && !(opcode === OPCODE.text && textIsControl)) {
      left = size;
      return start;
    }
    if (start + size > to) return at;
    control(opcode, Buffer.from(bytes.subarray(start, start + size)));
    return start + size;
  };
  return (bytes, from, to) => {
    for (let at = from; ; ) {
      const end = Math.min(to, at + left);
      if (end > at) data.feed(bytes, at, end);
      left -= end - at;
      at = next(bytes, end, to);
      if (at === end) return end;
    }
  };
}
