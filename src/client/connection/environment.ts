/**
 * The dependencies of the client on its platform: connections, requests, time and randomness. Tests replace them.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { connect, takesHeaders } from "./connect.ts";
import { type FetchFunction, request, requestThrough } from "./request.ts";
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

/**
 * Returns the environment with another way to send requests. It opens no WebSocket.
 *
 * @param given The function that sends the requests; without it, the environment is returned unchanged.
 */
export function withFetch(environment: Environment, given: FetchFunction | undefined): Environment {
  if (given === undefined) return environment;
  const { clock } = environment;
  return {
    takesHeaders: true,
    clock,
    random: () => environment.random(),
    fetch: requestThrough(given),
    connect: async ({ url }) => {
      throw new StreamError("bad_request", "A fetch function can't open a WebSocket.", { path: url.href });
    },
  };
}
