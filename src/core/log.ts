/**
 * What a server tells its operator.
 * @module
 */

/** Which way a client talks to the server. */
export type Transport = "websocket" | "http";

/** An append or a follow begins. */
export interface BeginEvent {
  /** What the client does. */
  readonly type: "append" | "follow";
  /** It begins. */
  readonly phase: "begin";
  /** The resource path. */
  readonly path: string;
  /** Which way it does it. */
  readonly transport: Transport;
  /** The client's address, where the runtime tells it. */
  readonly peer?: string;
  /** The offset of the first byte. */
  readonly offset: number;
}

/** An append or a follow has ended. */
export interface EndEvent {
  /** What the client does. */
  readonly type: "append" | "follow";
  /** It has ended. */
  readonly phase: "end";
  /** The resource path. */
  readonly path: string;
  /** Which way it does it. */
  readonly transport: Transport;
  /** The client's address, where the runtime tells it. */
  readonly peer?: string;
  /** The offset just past the last byte. */
  readonly offset: number;
  /** Bytes appended or sent. */
  readonly bytes: number;
  /** Milliseconds from begin to end. */
  readonly durationMs: number;
  /** Why it ended: `complete`, `lost`, `gone` (a follower left), `restarting`, or an error code. */
  readonly reason: string;
}

/** Something failed that an operator should know of. */
export interface FailureEvent {
  /** Neither an append nor a follow, though it may have happened to one. */
  readonly type: "error";
  /** The resource path, where there is one. */
  readonly path?: string;
  /** A sentence. */
  readonly message: string;
  /** What was thrown. */
  readonly error: unknown;
}

/** One line of the log, before it is text. */
export type LogEvent = BeginEvent | EndEvent | FailureEvent;

/** Takes log events. It must not throw and should return at once. */
export type Log = (event: LogEvent) => void;
