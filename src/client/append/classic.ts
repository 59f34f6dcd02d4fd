/**
 * An append over a classic WebSocket: one connection, and no messages from the server.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { textPieces } from "../../protocol/utf8.ts";
import type { Scope } from "../../support/scope.ts";
import { aborted, type Closing, closedEarly } from "../connection/failure.ts";
import { CLASSIC_MESSAGE_BYTES, KEEPALIVE_INTERVAL_MS } from "../connection/limits.ts";
import type { ClientSocket, SocketHandler } from "../connection/socket.ts";
import type { Appending, AppendState } from "./state.ts";

/** Owns the connection of one classic appender. */
export class ClassicAppend implements Appending, SocketHandler {
  bytes = 0;
  readonly offset: undefined;
  readonly resumePoint: undefined;
  readonly failed: Promise<StreamError>;
  readonly #url: URL;
  readonly #scope: Scope;
  readonly #socket: ClientSocket;
  readonly #text: boolean;
  readonly #ended: Promise<Closing>;
  #setEnded: (closing: Closing) => void = () => {};
  /** Whether this side has started the closing handshake. */
  #closing = false;

  /**
   * @param url The resource, for messages.
   * @param scope The scope of the connection; the append ends it.
   * @param socket An open connection.
   * @param text Whether the server stores text frames only.
   * @param report Called when the append ends.
   */
  constructor(url: URL, scope: Scope, socket: ClientSocket, text: boolean, report: (state: AppendState) => void) {
    this.#url = url;
    this.#scope = scope;
    this.#socket = socket;
    this.#text = text;
    const keepAlive = socket.keepAlive && setInterval(() => socket.keepAlive?.(), KEEPALIVE_INTERVAL_MS);
    this.#ended = new Promise((resolve) => {
      this.#setEnded = resolve;
    });
    // Also resolves after a clean end; by then, no component listens.
    this.failed = this.#ended.then((closing) => {
      clearInterval(keepAlive);
      const error = this.#failure(closing);
      const complete = this.#isComplete(closing);
      this.#scope.end();
      report(
        complete
          ? { state: "ended", reason: "complete", offset: undefined }
          : { state: "ended", reason: "failed", error },
      );
      return error;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    // Browsers send text as strings, so valid UTF-8 must not be split within a character.
    for (const piece of textPieces(bytes, CLASSIC_MESSAGE_BYTES)) {
      await this.#socket.send(piece, this.#text).catch(async (error: unknown) => {
        // The close event carries the actual reason.
        if (StreamError.from(error).code === "unreachable") throw this.#failure(await this.#ended);
        throw error;
      });
      this.bytes += piece.length;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#socket.close(1000);
    const closing = await this.#ended;
    if (!this.#isComplete(closing)) throw this.#failure(closing);
  }

  /** The classic protocol has only one way to end. */
  leave(): Promise<void> {
    return this.close();
  }

  abort(): void {
    this.#socket.terminate();
  }

  frame(): void {
    // A classic server sends no messages to an appender.
  }

  closed(closing: Closing): void {
    this.#setEnded(closing);
  }

  #isComplete({ code, error }: Closing): boolean {
    // The original server drops the connection as soon as it has read the close frame.
    const proper = error === undefined && [1000, 1005, 1006].includes(code);
    return this.#closing && proper && !this.#scope.signal.aborted;
  }

  #failure(closing: Closing): StreamError {
    const { signal } = this.#scope;
    return signal.aborted ? aborted(signal, this.#url) : closedEarly(closing, this.#url);
  }
}
