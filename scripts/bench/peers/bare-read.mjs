/**
 * Serves files and does nothing else, as the upper bound for a read on Node: two buffers alternate between the thread
 * that reads the file and the one that writes to the socket. `node bare-read.mjs PORT FOLDER`
 */
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";

const PIECE_BYTES = 1024 * 1024;

async function send(name, response) {
  const file = await open(join(process.argv[3], name));
  try {
    response.setHeader("Content-Length", (await file.stat()).size);
    const free = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)];
    let freed = () => {};
    while (!response.destroyed) {
      const piece = free.pop();
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES);
      if (bytesRead === 0) break;
      response.write(piece.subarray(0, bytesRead), () => {
        free.push(piece);
        freed();
      });
      if (free.length > 0) continue;
      await new Promise((resolve) => {
        freed = resolve;
        response.once("close", resolve);
      });
    }
    response.end();
  } finally {
    await file.close();
  }
}

createServer((request, response) => send(request.url, response)).listen(Number(process.argv[2]), "127.0.0.1");
