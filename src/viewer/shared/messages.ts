/**
 * The messages between the page and its worker.
 * @module
 */

/** Bytes per block: the unit of reads and of the server's line counts. */
export const BLOCK_BYTES: number = 64 * 1024;

/** Tells the worker what to follow. A further order replaces the follow. */
export interface FollowOrder {
  readonly url: string;
  /** The offset of the first byte, at the beginning of a block. */
  readonly offset: number;
  readonly generation: string | undefined;
  readonly token: string | undefined;
  /** The transport to begin with. The client falls back to HTTP by itself. */
  readonly transport: "http" | "websocket";
}

/** Tells a worker to search the lines of a range. */
export interface SearchOrder {
  /** A regular expression, or what the fields of JSON must be. */
  readonly expression: string;
  /** Whether it is about fields. */
  readonly isFields?: boolean;
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

/** The messages of a worker that searches: it begins to test a piece, has tested it, or can't continue. */
export type SearchMessage =
  | Found
  | { readonly type: "testing" }
  | { readonly type: "failed"; readonly message: string };

/** Reports bytes that have arrived. */
export interface Grown {
  readonly type: "grown";
  /** The offset just past the last byte. */
  readonly size: number;
  readonly generation: string | undefined;
  /** The bytes since the last message, which end at {@link size}; of too many, the last ones. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The newlines in each block from {@link firstBlock} on, of bytes that the worker has received. */
  readonly counts: readonly number[];
  readonly firstBlock: number;
}

/** Reports a new state of the follow. */
export interface Changed {
  readonly type: "state";
  readonly state: "connecting" | "open" | "idle" | "retrying" | "ended" | "failed";
  /** For `open`, the transport, or `stored`; else how the last append or the follow ended, or the code of an error. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
  readonly message: string;
}

/** A message of the worker. */
export type WorkerMessage = Grown | Changed;
