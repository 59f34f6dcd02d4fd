/**
 * An open append, as the sink of a stream.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import { aborted, type Closing, closedEarly } from "./failure.ts";
import { FRAME_BYTES, KEEPALIVE_INTERVAL_MS } from "./limits.ts";
import type { Scope } from "./scope.ts";
import type { ClientSocket, SocketHandler } from "./socket.ts";
import { type Chunk, Encoder } from "./source.ts";

/** Owns one appender's connection, from before it is open to its end. */
export class AppendSink implements UnderlyingSink<Chunk>, SocketHandler {
  /** Bytes sent so far. */
  bytes = 0;
  readonly #url: URL;
  readonly #scope: Scope;
  readonly #encoder = new Encoder();
  readonly #ended: Promise<Closing>;
  #setEnded: (closing: Closing) => void = () => {};
  #socket: ClientSocket | undefined;
  #text = false;
  #error: unknown;
  #frameBytes = FRAME_BYTES;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  /**
   * @param url The resource, for messages.
   * @param scope What the connection belongs to; the sink ends it.
   */
  constructor(url: URL, scope: Scope) {
    this.#url = url;
    this.#scope = scope;
    this.#ended = new Promise((resolve) => {
      this.#setEnded = resolve;
    });
  }

  /**
   * The connection is open.
   *
   * @param text Whether the server stores text frames only.
   */
  attach(socket: ClientSocket, text: boolean): void {
    this.#socket = socket;
    this.#text = text;
    // Text that is really text must not be cut inside a character.
    if (text && !socket.exactText) this.#frameBytes = Number.POSITIVE_INFINITY;
    if (socket.keepAlive) this.#keepAlive = setInterval(() => socket.keepAlive?.(), KEEPALIVE_INTERVAL_MS);
    void this.#ended.then(() => {
      clearInterval(this.#keepAlive);
      this.#scope.end();
    });
  }

  start(controller: WritableStreamDefaultController): void {
    // Also when nothing is being written: whoever waits for a slow source learns at once that the server is gone.
    void this.#ended.then((closing) => controller.error(this.#failure(closing)));
  }

  async write(chunk: Chunk): Promise<void> {
    try {
      await this.#send(this.#encoder.encode(chunk));
    } catch (error) {
      // The end of the connection says itself why it came.
      if (StreamError.from(error).code !== "unreachable") this.#error = error;
      // A stream whose sink has failed is neither closed nor aborted any more: the path would stay taken.
      this.#socket?.close(1000);
      throw this.#failure(await this.#ended);
    }
  }

  async close(): Promise<void> {
    await this.#send(this.#encoder.flush());
    this.#socket?.close(1000);
    const closing = await this.#ended;
    // The original server drops the connection as soon as it has read the close frame.
    const proper = closing.error === undefined && [1000, 1005, 1006].includes(closing.code);
    if (!proper || this.#scope.signal.aborted) throw this.#failure(closing);
  }

  async abort(): Promise<void> {
    this.#socket?.terminate();
    await this.#ended;
  }

  frame(): void {
    // A classic server has nothing to say to an appender.
  }

  closed(closing: Closing): void {
    this.#setEnded(closing);
  }

  async #send(chunks: readonly Uint8Array[]): Promise<void> {
    for (const bytes of chunks) {
      for (let at = 0; at < bytes.length; at += this.#frameBytes) {
        const piece = bytes.subarray(at, at + this.#frameBytes);
        await this.#socket?.send(piece, this.#text);
        this.bytes += piece.length;
      }
    }
  }

  #failure(closing: Closing): unknown {
    const { signal } = this.#scope;
    if (this.#error !== undefined) return this.#error;
    return signal.aborted ? aborted(signal, this.#url) : closedEarly(closing, this.#url);
  }
}
