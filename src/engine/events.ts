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

/** A request was answered. With a WebSocket or a body that goes on, the answer is its beginning. */
export interface RequestEvent {
  /** A request was answered. */
  readonly type: "request";
  /** The method, such as `GET`. */
  readonly method: string;
  /** The path of the URL as it was sent, without the query. */
  readonly target: string;
  /** The status of the answer: 101 for an upgrade. */
  readonly status: number;
  /** The client's address, where the runtime tells it. */
  readonly peer?: string;
  /** Milliseconds until it was answered. */
  readonly durationMs: number;
}

/** A request was refused. What failed on the server's side is a {@link FailureEvent} instead. */
export interface RefusalEvent {
  /** A request was refused. */
  readonly type: "refusal";
  /** The method, such as `GET`. */
  readonly method: string;
  /** The path of the URL as it was sent, without the query. */
  readonly target: string;
  /** The resource path, where the URL names one. */
  readonly path?: string;
  /** The status of the answer. */
  readonly status: number;
  /** The code of the error, such as `conflict`. */
  readonly code: string;
  /** A sentence, as the client was told. It may quote what the client sent: escape it before it is shown. */
  readonly message: string;
  /** The client's address, where the runtime tells it. */
  readonly peer?: string;
}

/** A shutdown begins. */
export interface ShutdownBeginEvent {
  /** The server shuts down. */
  readonly type: "shutdown";
  /** It begins. */
  readonly phase: "begin";
  /** Who asked for it: `close()`, `signal` for the option of that name, or the signal of the process, such as `SIGTERM`. */
  readonly reason: string;
  /** Appends that have a connection now. */
  readonly appends: number;
  /** Follows that have a connection now. */
  readonly follows: number;
}

/** A shutdown is done. */
export interface ShutdownEndEvent {
  /** The server shuts down. */
  readonly type: "shutdown";
  /** It is done. */
  readonly phase: "end";
  /** As in {@link ShutdownBeginEvent}. */
  readonly reason: string;
  /** Appends that have ended since it began. */
  readonly appends: number;
  /** Follows that have ended since it began. */
  readonly follows: number;
  /** Milliseconds from begin to end. */
  readonly durationMs: number;
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

/** One line of the log, before it is text. Tell them apart by `type`, then by `phase`. */
export type LogEvent =
  | BeginEvent
  | EndEvent
  | RequestEvent
  | RefusalEvent
  | ShutdownBeginEvent
  | ShutdownEndEvent
  | FailureEvent;

/**
 * Takes log events. It is called at once and should return at once; it may be async. What it throws or rejects with is
 * written to the console, once for each kind, and changes nothing else. Paths and sentences are as clients sent them:
 * escape them before they reach a terminal or a file of lines.
 */
export type Log = (event: LogEvent) => void;
