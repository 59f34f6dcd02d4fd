/**
 * A broadcast with `ws` without storage, backpressure or offsets, as the upper bound for Node: messages that arrive
 * together become one frame, which is built once and written to every follower's socket.
 *
 * `?verb=APPEND` appends to a path; the reply to a text frame is the number of bytes received. Other clients follow.
 */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const rooms = new Map();

/** Fewer bytes than this wait for more messages in the same turn of the event loop. */
const FLUSH_BYTES = 16 * 1024;

/** The maximum size of a frame in bytes, unless a single message is larger. */
const FRAME_BYTES = 256 * 1024;

/** The followers of one path. */
class Room {
  followers = new Set();
  #pieces = [];
  #size = 0;

  push(piece) {
    if (this.#size > 0 && this.#size + piece.length > FRAME_BYTES) this.#flush();
    this.#size += piece.length;
    if (this.#pieces.push(piece) > 1) return;
    queueMicrotask(() => {
      if (this.#size >= FLUSH_BYTES) this.#flush();
      else setImmediate(() => this.#flush());
    });
  }

  #flush() {
    if (this.#size === 0) return;
    const frame = this.followers.size > 0 ? binaryFrame(this.#pieces, this.#size) : undefined;
    this.#pieces = [];
    this.#size = 0;
    for (const socket of this.followers) socket.write(frame);
  }
}

const server = createServer();
const handshakes = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });

server.on("upgrade", (request, socket, head) => {
  handshakes.handleUpgrade(request, socket, head, (ws) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const room = rooms.get(pathname) ?? new Room();
    rooms.set(pathname, room);
    ws.on("error", () => {});
    if (searchParams.get("verb") === "APPEND") append(room, ws);
    else follow(room, ws, socket);
  });
});

function append(room, ws) {
  let received = 0;
  ws.on("message", (data, isBinary) => {
    if (!isBinary) return ws.send(String(received));
    received += data.length;
    room.push(data);
  });
}

function follow(room, ws, socket) {
  room.followers.add(socket);
  ws.on("close", () => room.followers.delete(socket));
}

function binaryFrame(pieces, size) {
  const header = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + size);
  frame[0] = 0x82;
  frame[1] = header === 2 ? size : header === 4 ? 126 : 127;
  if (header === 4) frame.writeUInt16BE(size, 2);
  if (header === 10) frame.writeBigUInt64BE(BigInt(size), 2);
  let at = header;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
