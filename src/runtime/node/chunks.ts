/**
 * Gathers small chunks of a request body. Node's parser makes one call per chunk, and passing a chunk through the
 * streams costs a hundred times what its bytes cost.
 * @module
 */
import type { IncomingMessage } from "node:http";
import { PieceQueue } from "../../engine/append/piece-queue.ts";
import { IS_NODE } from "../shared/is-node.ts";

/** Chunks of one body per turn after which the parser stops, so that other connections get their turn. */
const CHUNKS_PER_TURN = 256;

const gathering = new WeakSet<IncomingMessage>();

/**
 * Joins the chunks of a request body that the parser emits in one turn of the event loop. The first chunk of a turn
 * passes at once; the others follow together at the end of the turn.
 */
export function gatherChunks(incoming: IncomingMessage): void {
  // Only Node's parser pushes chunks.
  if (!IS_NODE || gathering.has(incoming)) return;
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
    // Stops the parser as early as Node would, or earlier.
    return ++count < CHUNKS_PER_TURN && incoming.readableLength + waiting.bytes < incoming.readableHighWaterMark;
  };
}
