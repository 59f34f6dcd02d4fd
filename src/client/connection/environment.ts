/**
 * The dependencies of the client on its platform: connections, requests, time and randomness. Tests replace them.
 * @module
 */
import { connect, takesHeaders } from "./connect.ts";
import { request } from "./request.ts";
import type { Connect } from "./socket.ts";

/** A clock. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; monotonic. */
  now(): number;
  /** Calls `run` once after `delayMs` milliseconds. Call the result to cancel it. */
  after(delayMs: number, run: () => void): () => void;
}

/** The environment of one append or follow. */
export interface Environment {
  readonly connect: Connect;
  /** Whether WebSockets can send headers. */
  readonly takesHeaders: boolean;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** A random number in [0, 1). */
  readonly random: () => number;
}

/** The environment of the platform. */
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
