/**
 * What the page and its worker tell each other.
 * @module
 */

/** Bytes per block, of which the server counts the lines. */
export const BLOCK_BYTES: number = 64 * 1024;

/** Tells the worker what to follow. Another one replaces the follow. */
export interface FollowOrder {
  readonly url: string;
  /** Where to begin: at the beginning of a block. */
  readonly offset: number;
  readonly generation: string | undefined;
  readonly token: string | undefined;
  /** Set where WebSockets do not get through. */
  readonly transport: "http" | "websocket";
}

/** Bytes have arrived. */
export interface Grown {
  readonly type: "grown";
  /** The end of all bytes so far. */
  readonly size: number;
  readonly generation: string | undefined;
  /** The newest bytes, which end at {@link size}; all since the last message, unless they are too many. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Lines that end in each block from {@link firstBlock} on. */
  readonly counts: readonly number[];
  readonly firstBlock: number;
}

/** The follow is in another state. */
export interface Changed {
  readonly type: "state";
  readonly state: "connecting" | "open" | "idle" | "retrying" | "ended" | "failed";
  /** How the last append ended, why the follow ended, or the code of its error. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
  readonly message: string;
}

/** What the worker tells the page. */
export type WorkerMessage = Grown | Changed;
