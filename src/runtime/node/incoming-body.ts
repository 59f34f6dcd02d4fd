/**
 * Reads request bodies from Node's requests. The streams of the web that `@hono/node-server` would make cost more than
 * everything else that it does for a short request.
 * @module
 */
import type { IncomingMessage } from "node:http";
import { PieceQueue } from "../../engine/append/piece-queue.ts";
import type { BodyReader } from "../../server/platform/body.ts";
import { IS_NODE } from "../shared/is-node.ts";

/** Bytes that wait for their reader before reading from the connection is paused. */
const WAITING_BYTES = 64 * 1024;

/** The same for pieces: with more in one turn, other connections get their turn. */
const WAITING_PIECES = 256;

/** Bytes of a piece that is worth its way through the streams. */
const LARGE_BYTES = 1024;

/** Milliseconds after a piece in which the next small one waits for the end of the turn, so that others can join it. */
const BURST_MS = 1;

/**
 * What `@hono/node-server` keeps on a request that was asked for its headers at most. With anything else, its body may be
 * read already.
 */
const UNTOUCHED: ReadonlySet<string | undefined> = new Set(["incomingKey", "urlKey", "headersKey"]);

/**
 * A reader for the body of a request. Undefined if a middleware has replaced the request or may have read the body, and on
 * runtimes that imitate Node: then the body is read from the request itself.
 *
 * @param request The request, as the app sees it.
 */
export function incomingBody(request: Request, incoming: IncomingMessage): BodyReader | undefined {
  const mayRead = IS_NODE && incoming.readableFlowing === null && !incoming.readableDidRead && !incoming.destroyed;
  if (!mayRead || "rawBody" in incoming || !isUntouched(request, incoming)) return undefined;
  return new IncomingBody(incoming);
}

/** Whether a request is the one that was made for `incoming`, and was asked for its headers at most. */
function isUntouched(request: Request, incoming: IncomingMessage): boolean {
  let isIncoming = false;
  for (const key of Object.getOwnPropertySymbols(request)) {
    if (!UNTOUCHED.has(key.description)) return false;
    isIncoming ||= Reflect.get(request, key) === incoming;
  }
  return isIncoming;
}

/** A pending `read`. */
interface Waiting {
  resolve(piece: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

class IncomingBody implements BodyReader {
  readonly #incoming: IncomingMessage;
  readonly #pieces = new PieceQueue();
  #count = 0;
  #gaveMs = Number.NEGATIVE_INFINITY;
  #turn: NodeJS.Immediate | undefined;
  #isPaused = false;
  #isOver = false;
  #error: unknown;
  #waiting: Waiting | undefined;
  readonly #onData = (piece: Uint8Array): void => this.#arrived(piece);

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    incoming.on("data", this.#onData);
    incoming.on("end", () => this.#end());
    incoming.on("error", (error) => this.#end(error));
    incoming.on("close", () => this.#end(new Error("The connection was closed before the body ended.")));
    // What has arrived already would be lost if the sender aborted before the next turn. This emits it.
    incoming.read();
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#pieces.bytes > 0) return this.#take();
    if (this.#error !== undefined) throw this.#error;
    if (this.#isOver) return undefined;
    return await new Promise<Uint8Array | undefined>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async cancel(): Promise<void> {
    this.releaseLock();
    this.#pieces.clear();
    this.#end();
  }

  releaseLock(): void {
    if (this.#isOver) return;
    this.#incoming.off("data", this.#onData);
    this.#incoming.pause();
  }

  #arrived(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#count++;
    if (this.#waiting) {
      // The parser calls once per chunk, and the reader runs in between.
      if (piece.length >= LARGE_BYTES || performance.now() - this.#gaveMs >= BURST_MS) this.#give();
      else this.#turn ??= setImmediate(() => this.#give());
    }
    if (this.#pieces.bytes >= WAITING_BYTES || this.#count >= WAITING_PIECES) {
      this.#isPaused = true;
      this.#incoming.pause();
    }
  }

  #give(): void {
    this.#turn = undefined;
    if (this.#pieces.bytes > 0) this.#noLongerWaiting()?.resolve(this.#take());
  }

  #take(): Uint8Array {
    this.#gaveMs = performance.now();
    const piece = this.#pieces.take(this.#pieces.bytes);
    this.#count = 0;
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#incoming.resume();
    }
    return piece;
  }

  /** What has arrived is still read; then the body ends, or fails with the error. */
  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#give();
    this.#isOver = true;
    this.#error = error;
    const waiting = this.#noLongerWaiting();
    if (error === undefined) waiting?.resolve(undefined);
    else waiting?.reject(error);
  }

  #noLongerWaiting(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
