/**
 * Pipelined requests: those that came while a response before them on their connection is under way. Node hands them out at
 * once, however many; and some versions of Node, and Deno, do not tell a response that never got the connection that this has
 * gone. So each waits here until the connection is its own, and nothing is opened for it before.
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that may wait on a connection before no more are read from it. */
const MOST_WAITING = 64;

/** Requests that may wait on a connection whose response does not come to its end; it is closed when there are more. */
const TOO_MANY_WAITING = 1024;

/** Milliseconds between two looks at a connection that is not read from: whether its client has gone shows only in reading. */
const LOOK_EVERY_MS = 1_000;

const lines = new WeakMap<Socket, Line>();

/** Responses that get their connection from us, and not from the server. */
const detached = new WeakSet<ServerResponse>();

/** Says that a response is not one that waits for its connection. */
export function detach(outgoing: ServerResponse): void {
  detached.add(outgoing);
}

/** Whether a response is one of those. */
export function isDetached(outgoing: ServerResponse | undefined): boolean {
  return outgoing !== undefined && detached.has(outgoing);
}

/**
 * Waits until a response has its connection: true then, false when the connection has gone before. Nothing where it has it
 * already, which is nearly always.
 */
export function turnOf(incoming: IncomingMessage, outgoing: ServerResponse | undefined): Promise<boolean> | undefined {
  const { socket } = incoming;
  if (!outgoing || outgoing.socket || detached.has(outgoing) || !socket) return undefined;
  if (socket.destroyed) return Promise.resolve(false);
  let line = lines.get(socket);
  if (!line) {
    line = new Line(socket);
    lines.set(socket, line);
  }
  return line.wait(outgoing);
}

/** The requests that wait on one connection. */
class Line {
  readonly #socket: Socket;
  readonly #waiting = new Set<(hasTurn: boolean) => void>();
  /** How many have had their turn since the last look. */
  #served = 0;
  #look: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.once("close", () => {
      for (const settle of this.#waiting) settle(false);
    });
  }

  wait(outgoing: ServerResponse): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (hasTurn: boolean): void => {
        this.#waiting.delete(settle);
        this.#served++;
        if (this.#waiting.size <= MOST_WAITING / 2) this.#readOn();
        resolve(hasTurn);
      };
      this.#waiting.add(settle);
      outgoing.once("socket", () => settle(true));
      if (this.#waiting.size > MOST_WAITING) this.#pause();
    });
  }

  #pause(): void {
    this.#socket.pause();
    this.#look ??= setInterval(() => {
      const isStuck = this.#served === 0;
      this.#served = 0;
      if (isStuck && this.#waiting.size > TOO_MANY_WAITING) this.#socket.destroy();
      else this.#socket.resume();
    }, LOOK_EVERY_MS);
  }

  #readOn(): void {
    if (!this.#look) return;
    clearInterval(this.#look);
    this.#look = undefined;
    this.#socket.resume();
  }
}
