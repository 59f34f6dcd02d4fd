/**
 * A broadcast with `ws` without storage, backpressure or offsets, as the upper bound for Node: messages that arrive
 * together become one frame, which is built once and written to every follower's socket.
 * `node bare-ws.mjs PORT`. `?verb=APPEND` appends to a path, and the reply to a text frame is the number of bytes
 * received. Other clients follow.
 */
import { createServer } from "node:http";
import process from "node:process";
import { WebSocketServer } from "ws";

const rooms = new Map();

/** Fewer bytes wait for more messages, unless the room was at rest so long. A frame has no more, unless a message has. */
const [FLUSH_BYTES, REST_MS, FRAME_BYTES] = [16 * 1024, 1, 256 * 1024];

/** The followers of one path. */
class Room {
  followers = new Set();
  #pieces = [];
  #size = 0;
  #flushedMs = 0;

  push(piece) {
    if (this.#size > 0 && this.#size + piece.length > FRAME_BYTES) this.#flush();
    this.#size += piece.length;
    if (this.#pieces.push(piece) > 1) return;
    queueMicrotask(() => {
      const isAtRest = performance.now() - this.#flushedMs >= REST_MS;
      if (this.#size >= FLUSH_BYTES || isAtRest) this.#flush();
      else setImmediate(() => this.#flush());
    });
  }

  #flush() {
    if (this.#size === 0) return;
    const frame = this.followers.size > 0 ? binaryFrame(this.#pieces, this.#size) : undefined;
    this.#pieces = [];
    this.#size = 0;
    for (const socket of this.followers) socket.write(frame);
    this.#flushedMs = performance.now();
  }
}

function binaryFrame(pieces, size) {
  const header = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  header[0] = 0x82;
  header[1] = size < 126 ? size : size < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(size, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([header, ...pieces]);
}

const server = createServer();
const handshakes = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });
server.on("upgrade", (request, socket, head) => {
  handshakes.handleUpgrade(request, socket, head, (ws) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const room = rooms.get(pathname) ?? new Room();
    rooms.set(pathname, room);
    ws.on("error", () => {});
    if (searchParams.get("verb") === "APPEND") {
      let received = 0;
      ws.on("message", (data, isBinary) => {
        if (!isBinary) return ws.send(String(received));
        received += data.length;
        room.push(data);
      });
    } else {
      room.followers.add(socket);
      ws.on("close", () => room.followers.delete(socket));
    }
  });
});
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
