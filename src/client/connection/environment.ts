/**
 * What the client needs of the world around it: connections, requests, time and chance. Tests put a world of their own
 * in its place.
 * @module
 */
import { connect, takesHeaders } from "./connect.ts";
import { request } from "./request.ts";
import type { Connect } from "./socket.ts";

/** Time. */
export interface Clock {
  /** Milliseconds since some moment in the past; never goes back. */
  now(): number;
  /** Calls `run` once, after so many milliseconds, unless what it returns is called before. */
  after(delayMs: number, run: () => void): () => void;
}

/** The world around one append or follow. */
export interface Environment {
  readonly connect: Connect;
  /** Whether a WebSocket can carry headers. */
  readonly takesHeaders: boolean;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** A number from 0 up to, and not including, 1. */
  readonly random: () => number;
}

/** The world as it is. */
export const realEnvironment: Environment = {
  connect,
  get takesHeaders() {
    return takesHeaders();
  },
  fetch: request,
  clock: {
    now: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  },
  random: () => Math.random(),
};
