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

/** Tells a worker to search the lines of a range by a regular expression. */
export interface SearchOrder {
  readonly expression: string;
  readonly url: string;
  readonly generation: string | undefined;
  readonly token: string | undefined;
  /** Where a line begins. */
  readonly from: number;
  readonly to: number;
}

/** Lines that were found in the next piece. */
export interface Found {
  readonly type: "found";
  /** Where they begin. */
  readonly lines: readonly number[];
  /** Where to search on: at the beginning of a line. */
  readonly next: number;
  /** How many lines were searched only at their beginning, because they are long. */
  readonly cut: number;
  /** Whether that was the last piece. */
  readonly isEnd: boolean;
}

/** What a worker that searches tells: it begins to test a piece, has tested it, or can't go on. */
export type SearchMessage =
  | Found
  | { readonly type: "testing" }
  | { readonly type: "failed"; readonly message: string };

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
