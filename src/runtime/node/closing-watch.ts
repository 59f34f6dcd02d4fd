/**
 * Sees that peers have begun to close, where nothing tells.
 * @module
 */

/** How often we look, in milliseconds: what a path stays taken for at most after its appender's goodbye. */
const LOOK_EVERY_MS = 100;

/** What is looked at. */
interface Closable {
  readonly closing: boolean;
}

/** Looks at all open sockets by one timer, and tells once of each that closes. */
export class ClosingWatch {
  readonly #watched = new Map<Closable, () => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls back when the socket closes, unless {@link forget} comes first. */
  watch(socket: Closable, closes: () => void): void {
    this.#watched.set(socket, closes);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  forget(socket: Closable): void {
    if (!this.#watched.delete(socket) || this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [socket, closes] of this.#watched) {
      if (!socket.closing) continue;
      this.forget(socket);
      closes();
    }
  }
}
