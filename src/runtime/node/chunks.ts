/**
 * Request bodies in small chunks, as Node's parser hands them out: a call for each. What every chunk then costs on its way
 * through the streams is a hundred times what its bytes cost.
 * @module
 */
import type { IncomingMessage } from "node:http";
import { PieceQueue } from "../../engine/append/piece-queue.ts";

/** Chunks of one body in one turn after which the parser stops, so that other connections have their turn. */
const CHUNKS_A_TURN = 256;

const gathering = new WeakSet<IncomingMessage>();

/**
 * Joins the chunks of a request body that the parser hands out in one turn of the event loop. The first of a turn passes
 * at once; the others follow together at the turn's end.
 */
export function gatherChunks(incoming: IncomingMessage): void {
  // Only Node has a parser that pushes.
  if ("Deno" in globalThis || "Bun" in globalThis || gathering.has(incoming)) return;
  gathering.add(incoming);
  const push = incoming.push.bind(incoming);
  const waiting = new PieceQueue();
  let turn: NodeJS.Immediate | undefined;
  let count = 0;
  const flush = (): boolean => {
    const hasRoom = waiting.bytes === 0 || push(waiting.take(waiting.bytes));
    turn = undefined;
    return hasRoom;
  };
  incoming.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!(chunk instanceof Uint8Array)) {
      clearImmediate(turn);
      flush();
      return push(chunk, encoding);
    }
    if (turn === undefined) {
      count = 0;
      turn = setImmediate(flush);
      return push(chunk, encoding);
    }
    waiting.push(chunk);
    // The parser is told to stop as early as it would be without us, or earlier.
    return ++count < CHUNKS_A_TURN && incoming.readableLength + waiting.bytes < incoming.readableHighWaterMark;
  };
}
