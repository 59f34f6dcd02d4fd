/**
 * One error class, one table. Every refusal and failure has a stable `code`; the table says
 * which HTTP status and which WebSocket close code it becomes.
 * @module
 */
import { SUPERSEDED } from "./subprotocol.ts";

/** The response header that names a refusal's {@link StreamError.code}. */
export const ERROR_HEADER = "Stream-Error";

/** What a failure looks like on the wire: an HTTP status and a WebSocket close code. */
export interface WireForm {
  /** The HTTP status of a refusal before, or instead of, an upgrade. */
  readonly status: number;
  /** The WebSocket close code of a failure after the upgrade. */
  readonly close: number;
}

/**
 * Every stable error code, and what it becomes on the wire. Where several codes share a status or a close code, the first
 * of them is what a client reads it as when the server names no code.
 */
export const ERROR_CODES = {
  /** The request is malformed: a bad offset, a bad option. */
  bad_request: { status: 400, close: 1008 },
  /** The URL names no resource that could exist. */
  bad_path: { status: 400, close: 1008 },
  /** The request needs credentials that it does not carry. */
  unauthorized: { status: 401, close: 1008 },
  /** A page of a foreign origin may not do this. */
  forbidden: { status: 403, close: 1008 },
  /** Another appender holds the path. */
  conflict: { status: 403, close: 1008 },
  /** The path was never written. */
  not_found: { status: 404, close: 1008 },
  /** The method, or the method with this verb, does not exist here. */
  method_not_allowed: { status: 405, close: 1008 },
  /** A file stands where a folder would have to be, or the other way round. */
  path_conflict: { status: 409, close: 1011 },
  /** The append session is unknown, ended or expired. */
  gone: { status: 410, close: 1008 },
  /** The path is not what the conditions of the request ask for: its size, its ETag, its date. */
  precondition_failed: { status: 412, close: 1008 },
  /** A body in a coding or of a kind that would be stored as something else than it means. */
  unsupported: { status: 415, close: 1008 },
  /** The path has other content than the one that was asked for: it was removed, replaced or cut short. */
  replaced: { status: 412, close: 1008 },
  /** An offset past the end, or an unsatisfiable range. */
  range: { status: 416, close: 1008 },
  /** The `Host` of the request is not a name of this server. */
  misdirected: { status: 421, close: 1008 },
  /** This can only be done over a WebSocket. */
  upgrade_required: { status: 426, close: 1008 },
  /** A transfer coding that is not understood. */
  not_implemented: { status: 501, close: 1008 },
  /** The program that serves the app has not set up what this needs; the message says what. */
  misconfigured: { status: 501, close: 1008 },
  /** The peer broke the rules of the protocol. */
  protocol: { status: 400, close: 1008 },
  /** The appender was silent for longer than the operator allows. */
  idle: { status: 408, close: 1008 },
  /** Bytes that cannot travel in a text frame here. */
  not_text: { status: 400, close: 1007 },
  /** One message was larger than the limit. */
  too_large: { status: 413, close: 1009 },
  /** The server has too much to do, or too much is in flight. */
  overloaded: { status: 503, close: 1013 },
  /** The server is shutting down; come back in a moment. */
  restarting: { status: 503, close: 1012 },
  /** The disk is full, or a quota is used up. */
  no_space: { status: 507, close: 1011 },
  /** The storage failed in another way. */
  storage: { status: 500, close: 1011 },
  /** The operating system refuses access to the file. */
  denied: { status: 500, close: 1011 },
  /** The file was removed, replaced, truncated or written by somebody else. */
  changed: { status: 500, close: 1011 },
  /** A newer claim has taken the path over. */
  fenced: { status: 500, close: 1011 },
  /** The peer could not be reached, or the connection broke (clients only). */
  unreachable: { status: 502, close: 1006 },
  /** The operation was aborted by its caller (clients only). */
  aborted: { status: 499, close: 1006 },
  /** The appender vanished before it said that it was done (clients only). */
  lost: { status: 500, close: 1006 },
  /** A bug. */
  internal: { status: 500, close: 1011 },
} as const;

/** What statuses mean that mostly come from proxies. */
const FOREIGN_STATUSES: Readonly<Record<number, ErrorCode>> = {
  407: "unauthorized",
  408: "protocol",
  429: "overloaded",
  499: "protocol",
  504: "unreachable",
};

/** What close codes mean that this server does not send, or sends for many reasons. */
const FOREIGN_CLOSES: Readonly<Record<number, ErrorCode>> = {
  1001: "restarting",
  1002: "protocol",
  1003: "protocol",
  1008: "protocol",
  1011: "storage",
  [SUPERSEDED]: "fenced",
};

/** A stable name for what went wrong. Match on this, never on the message. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a name is that of an error code. */
export function isErrorCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERROR_CODES, name);
}

/** The code that an HTTP status stands for where the server names none. Nothing for a status that is not known here. */
export function codeOfStatus(status: number): ErrorCode | undefined {
  return FOREIGN_STATUSES[status] ?? codeWith("status", status);
}

/** The code that a WebSocket close code stands for. Nothing for one that is not known here. */
export function codeOfClose(close: number): ErrorCode | undefined {
  return FOREIGN_CLOSES[close] ?? codeWith("close", close);
}

/** More about a {@link StreamError}. */
export interface StreamErrorOptions {
  /** The resource path or URL it happened to. */
  path?: string;
  /** The error underneath. */
  cause?: unknown;
  /** Response headers that belong to the refusal, such as `Allow`. */
  headers?: Record<string, string>;
}

/**
 * The one error class of this project. `message` is a sentence for a person; `code` is for programs.
 *
 * @example
 * ```ts
 * try {
 *   await append(url, source);
 * } catch (error) {
 *   if (error instanceof StreamError && error.code === "conflict") console.error("somebody else is appending");
 *   else throw error;
 * }
 * ```
 */
export class StreamError extends Error {
  /** Always `"StreamError"`. */
  override readonly name = "StreamError";
  /** The stable name of what went wrong. */
  readonly code: ErrorCode;
  /** The resource path or URL it happened to, where there is one. */
  readonly path: string | undefined;
  /** Response headers that belong to the refusal. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * An error of this project.
   *
   * @param code The stable name of what went wrong.
   * @param message A sentence: what happened, to which path, what to do.
   * @param options The path, the cause, response headers.
   */
  constructor(code: ErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.headers = options.headers ?? {};
  }

  /** The HTTP status this error becomes. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** The WebSocket close code this error becomes. */
  get closeCode(): number {
    return ERROR_CODES[this.code].close;
  }

  /**
   * Any thrown value as a {@link StreamError}; one that is one already comes back as it is.
   *
   * @example
   * ```ts
   * StreamError.from(new Error("boom")).code; // "internal"
   * ```
   */
  static from(error: unknown, fallback: ErrorCode = "internal"): StreamError {
    if (error instanceof StreamError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new StreamError(fallback, message, { cause: error });
  }
}

function codeWith(field: keyof WireForm, value: number): ErrorCode | undefined {
  return Object.keys(ERROR_CODES)
    .filter(isErrorCode)
    .find((code) => ERROR_CODES[code][field] === value);
}
