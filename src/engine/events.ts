/**
 * The events that a server reports to its operator.
 * @module
 */

/** How a client is connected to the server; `local`: it is the program that runs the server. */
export type Transport = "websocket" | "http" | "local";

/** An append or a follow begins. */
export interface BeginEvent {
  /** What the client does. */
  readonly type: "append" | "follow";
  /** Always `begin`. */
  readonly phase: "begin";
  /** The resource path. */
  readonly path: string;
  /** How the client is connected. */
  readonly transport: Transport;
  /** The client's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`; missing for what the program that runs the server does. */
  readonly requestId?: string;
  /** The offset of the first byte. */
  readonly offset: number;
}

/** An append or a follow has ended. */
export interface EndEvent {
  /** What the client did. */
  readonly type: "append" | "follow";
  /** Always `end`. */
  readonly phase: "end";
  /** The resource path. */
  readonly path: string;
  /** How the client was connected. */
  readonly transport: Transport;
  /** The client's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`; missing for what the program that runs the server does. */
  readonly requestId?: string;
  /** The offset just past the last byte. */
  readonly offset: number;
  /** Bytes appended or sent. */
  readonly bytes: number;
  /** Milliseconds from start to end. */
  readonly durationMs: number;
  /**
   * Why it ended: an `EndReason`, `gone` (the follower left), `rotated` (server-sent events that have lasted long enough), `superseded` (a newer connection resumed the append
   * session), or an error code.
   */
  readonly reason: string;
}

/** A request has ended: its response was sent, or its WebSocket was closed. */
export interface RequestEvent {
  /** Always `request`. */
  readonly type: "request";
  /** The method, such as `GET`. */
  readonly method: string;
  /** The URL's path as the client sent it, without the query. */
  readonly target: string;
  /** The status of the response; 101 for an upgrade. */
  readonly status: number;
  /** The client's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`. */
  readonly requestId: string;
  /** Bytes of content that were sent to a reader or follower, or stored for an appender. Otherwise 0. */
  readonly bytes: number;
  /** Milliseconds from the request to its end. */
  readonly durationMs: number;
  /** How it ended: `complete`, `gone` (the client left), an error code, or as the append or follow did. */
  readonly reason: string;
}

/** A request was refused. A failure of the server is a {@link FailureEvent} instead. */
export interface RefusalEvent {
  /** Always `refusal`. */
  readonly type: "refusal";
  /** The method, such as `GET`. */
  readonly method: string;
  /** The URL's path as the client sent it, without the query. */
  readonly target: string;
  /** The resource path, if the URL names one. */
  readonly path?: string;
  /** The status of the response. */
  readonly status: number;
  /** The error code, such as `conflict`. */
  readonly code: string;
  /** The sentence that the client got. It may quote what the client sent: escape it before display. */
  readonly message: string;
  /** The client's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`. */
  readonly requestId: string;
}

/** The worker of a subscription was woken, or could not be. */
export interface DeliveryEvent {
  /** Always `delivery`. */
  readonly type: "delivery";
  /** The folder that the subscription is about; empty for the root folder. */
  readonly path: string;
  /** The name of the subscription. */
  readonly subscription: string;
  /** How it wakes its worker: `webhook` or `pull-wake`. */
  readonly kind: string;
  /** The number of the wake. */
  readonly generation: number;
  /** `accepted`; `done`: the worker has processed everything already; `failed`: it is tried again. */
  readonly outcome: string;
  /** The status of the receiver's answer, if there was one. */
  readonly status?: number;
  /** Why it failed. */
  readonly cause?: string;
  /** Milliseconds from begin to end. */
  readonly durationMs: number;
}

/** A shutdown begins. */
export interface ShutdownBeginEvent {
  /** Always `shutdown`. */
  readonly type: "shutdown";
  /** Always `begin`. */
  readonly phase: "begin";
  /**
   * What requested it: the argument of `close()`, by default `close()` itself; `signal` for the option of that name; or
   * the signal of the process, such as `SIGTERM`.
   */
  readonly reason: string;
  /** Appends that are connected now. */
  readonly appends: number;
  /** Follows that are connected now. */
  readonly follows: number;
}

/** A shutdown is complete. */
export interface ShutdownEndEvent {
  /** Always `shutdown`. */
  readonly type: "shutdown";
  /** Always `end`. */
  readonly phase: "end";
  /** As in {@link ShutdownBeginEvent}. */
  readonly reason: string;
  /** Appends that have ended since the shutdown began. */
  readonly appends: number;
  /** Follows that have ended since the shutdown began. */
  readonly follows: number;
  /** Milliseconds from start to end. */
  readonly durationMs: number;
}

/** Something failed that the operator should know about. */
export interface FailureEvent {
  /** Always `error`. */
  readonly type: "error";
  /** The resource path, if there is one. */
  readonly path?: string;
  /** The id of the request that failed, if any. */
  readonly requestId?: string;
  /** A sentence that says what failed. */
  readonly message: string;
  /** The thrown value. */
  readonly error: unknown;
}

/** One entry of the log, before formatting. Distinguish events by `type`, then by `phase`. */
export type LogEvent =
  | BeginEvent
  | EndEvent
  | RequestEvent
  | RefusalEvent
  | DeliveryEvent
  | ShutdownBeginEvent
  | ShutdownEndEvent
  | FailureEvent;

/**
 * Receives log events. It is called synchronously and should return quickly; it may be async. Errors that it throws or
 * rejects with are written to the console, once per kind, and have no other effect. Paths and messages may contain what
 * clients sent: escape them before they reach a terminal or a line-based file.
 *
 * @example
 * ```ts
 * const log: Log = (event) => console.log(JSON.stringify(event));
 * ```
 */
export type Log = (event: LogEvent) => void;
