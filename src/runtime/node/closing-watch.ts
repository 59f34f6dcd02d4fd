/**
 * Detects that peers have begun to close, where no event reports it.
 * @module
 */

/** Milliseconds between two checks, and thus for how long a path stays taken after its appender has closed. */
const LOOK_EVERY_MS = 100;

/** What is watched. */
interface Closable {
  readonly closing: boolean;
}

/** Checks all open sockets with one timer, and reports once for each that is closing. */
export class ClosingWatch {
  readonly #watched = new Map<Closable, () => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls back when the socket is closing, unless {@link forget} is called before. */
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
