/**
 * Pipelined requests: those that arrive while an earlier response on their connection is still in progress. Node emits
 * all of them at once. Some versions of Node, and Deno, do not notify a response that never got the connection when the
 * connection is gone. Each request therefore waits here until its response owns the connection, and nothing is opened
 * for it before.
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that may wait on a connection before reading from it is paused. */
const PAUSE_ABOVE = 64;

/** Requests that may wait behind a response that never ends; with more, the connection is closed. */
const CLOSE_ABOVE = 1024;

/** Milliseconds between two checks of a paused connection: only reading shows whether its client has left. */
const LOOK_EVERY_MS = 1_000;

const queues = new WeakMap<Socket, RequestQueue>();

/** Responses that get their connection from this package, not from the server. */
const detached = new WeakSet<ServerResponse>();

/** Marks a response that does not wait for its connection. */
export function detach(outgoing: ServerResponse): void {
  detached.add(outgoing);
}

/** Whether {@link detach} has marked a response. */
export function isDetached(outgoing: ServerResponse | undefined): boolean {
  return outgoing !== undefined && detached.has(outgoing);
}

/**
 * Waits until a response owns its connection. Resolves to true then, or to false if the connection closes first.
 * `undefined` if it owns the connection already, which is nearly always the case.
 */
export function turnOf(incoming: IncomingMessage, outgoing: ServerResponse | undefined): Promise<boolean> | undefined {
  const { socket } = incoming;
  if (!outgoing || outgoing.socket || detached.has(outgoing) || !socket) return undefined;
  if (socket.destroyed) return Promise.resolve(false);
  let queue = queues.get(socket);
  if (!queue) {
    queue = new RequestQueue(socket);
    queues.set(socket, queue);
  }
  return queue.wait(outgoing);
}

/** The requests that wait on one connection. */
class RequestQueue {
  readonly #socket: Socket;
  readonly #waiting = new Set<(hasTurn: boolean) => void>();
  /** Requests that have had their turn since the last check. */
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
        if (this.#waiting.size <= PAUSE_ABOVE / 2) this.#readOn();
        resolve(hasTurn);
      };
      this.#waiting.add(settle);
      outgoing.once("socket", () => settle(true));
      if (this.#waiting.size > PAUSE_ABOVE) this.#pause();
    });
  }

  #pause(): void {
    this.#socket.pause();
    this.#look ??= setInterval(() => {
      const isStuck = this.#served === 0;
      this.#served = 0;
      if (isStuck && this.#waiting.size > CLOSE_ABOVE) this.#socket.destroy();
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
