/**
 * The one error class and the one table of error codes: every refusal and failure has a stable `code`, which the table
 * maps to an HTTP status and a WebSocket close code.
 * @module
 */
import { withoutTokens } from "../support/printable.ts";
import { SUPERSEDED } from "./subprotocol.ts";

/** The response header with the {@link StreamError.code} of a refusal. */
export const ERROR_HEADER = "Stream-Error";

/** How an error appears on the wire: as an HTTP status and as a WebSocket close code. */
export interface WireForm {
  /** The HTTP status of a refusal before, or instead of, an upgrade. */
  readonly status: number;
  /** The WebSocket close code of a failure after the upgrade. */
  readonly close: number;
}

/**
 * Every stable error code with its wire form. If the server sends no code, a client reads a status or close code as the
 * first entry that has it, except for statuses that mostly come from proxies and close codes that many codes share.
 *
 * @example
 * ```ts
 * ERROR_CODES.conflict.status; // 403
 * ```
 */
export const ERROR_CODES = {
  /** The request is malformed, for example by a bad offset or a bad option. */
  bad_request: { status: 400, close: 1008 },
  /** The URL can't name a resource. */
  bad_path: { status: 400, close: 1008 },
  /** The request lacks the credentials that it needs, or its token has expired. */
  unauthorized: { status: 401, close: 4003 },
  /** A web page of a foreign origin may not do this. */
  forbidden: { status: 403, close: 1008 },
  /** Another appender holds the path. */
  conflict: { status: 403, close: 1008 },
  /** The path does not exist. */
  not_found: { status: 404, close: 1008 },
  /** The method is not supported here, or not with this verb. */
  method_not_allowed: { status: 405, close: 1008 },
  /** A file stands where a folder must be, or a folder where a file must be. */
  path_conflict: { status: 409, close: 1011 },
  /** The path can't be removed, because it has an appender. */
  in_use: { status: 409, close: 1008 },
  /** The stream is closed: nothing more can be appended. */
  closed: { status: 409, close: 1008 },
  /** The stream has another content type or another configuration than the request specifies. */
  mismatch: { status: 409, close: 1008 },
  /** The `Stream-Seq` or `Producer-Seq` does not follow the last one. */
  sequence: { status: 409, close: 1008 },
  /** The producer has a newer epoch. */
  stale_epoch: { status: 403, close: 1008 },
  /** The append session is unknown, ended or expired; or the stream was removed, and only forks of it are left. */
  gone: { status: 410, close: 1008 },
  /** The path does not meet the preconditions of the request: its size, its ETag or its date. */
  precondition_failed: { status: 412, close: 1008 },
  /** The body has a content coding or is a form, so its raw bytes are not what the client means to store. */
  unsupported: { status: 415, close: 1008 },
  /** The path has other content than the request specifies: it was removed, replaced or truncated. */
  replaced: { status: 412, close: 1008 },
  /** The offset is past the end, or the range can't be satisfied. */
  range: { status: 416, close: 1008 },
  /** The `Host` of the request is not a name of this server. */
  misdirected: { status: 421, close: 1008 },
  /** The request needs a WebSocket. */
  upgrade_required: { status: 426, close: 1008 },
  /** The request has an unsupported transfer coding. */
  not_implemented: { status: 501, close: 1008 },
  /** The program that serves the app lacks a setup that this needs; the message says which. */
  misconfigured: { status: 501, close: 1008 },
  /** The peer violated the protocol. */
  protocol: { status: 400, close: 1008 },
  /** The appender was silent for longer than the operator allows. */
  idle: { status: 408, close: 1008 },
  /** The bytes are not the JSON that the stream consists of. */
  not_json: { status: 400, close: 1008 },
  /** The bytes can't travel in a text frame here. */
  not_text: { status: 400, close: 1007 },
  /** A message exceeded the size limit. */
  too_large: { status: 413, close: 1009 },
  /** The server is overloaded, or too much is in flight. */
  overloaded: { status: 503, close: 1013 },
  /** Another appender has kept the path for longer than the request could wait. */
  busy: { status: 503, close: 1013 },
  /** The client has too many connections or appends, or begins too many at once. */
  too_many: { status: 429, close: 1013 },
  /** The server is shutting down; retry in a moment. */
  restarting: { status: 503, close: 1012 },
  /** The store does not answer; retry in a moment. An append may have stored what it has not acknowledged. */
  unavailable: { status: 503, close: 1012 },
  /** The disk is full, or a quota is used up. */
  no_space: { status: 507, close: 1011 },
  /** The resource has as many bytes as the server allows. */
  limit: { status: 507, close: 1008 },
  /** Storage failed in another way. */
  storage: { status: 500, close: 1011 },
  /** The operating system denies access to the file. */
  denied: { status: 500, close: 1011 },
  /** Another program removed, replaced, truncated or wrote to the file. */
  changed: { status: 500, close: 1011 },
  /** A newer claim has taken over the path. */
  fenced: { status: 500, close: 1011 },
  /** The peer could not be reached, or the connection broke (clients only). */
  unreachable: { status: 502, close: 1006 },
  /** The caller aborted the operation (clients only). */
  aborted: { status: 499, close: 1006 },
  /** The appender disappeared before it completed its append. */
  lost: { status: 500, close: 1006 },
  /** An unexpected error: a bug. */
  internal: { status: 500, close: 1011 },
} as const;

/** Statuses that mostly come from proxies, with the codes that a client reads them as. */
const FOREIGN_STATUSES: Readonly<Record<number, ErrorCode>> = {
  407: "unauthorized",
  408: "protocol",
  421: "protocol",
  429: "overloaded",
  499: "protocol",
  504: "unreachable",
};

/** Close codes that the table lacks, or that many of its codes share, with the codes that a client reads them as. */
const FOREIGN_CLOSES: Readonly<Record<number, ErrorCode>> = {
  1001: "restarting",
  1002: "protocol",
  1003: "protocol",
  1008: "protocol",
  1011: "storage",
  [SUPERSEDED]: "fenced",
};

/** The stable name of an error. Match on this, never on the message. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Whether a name is an error code.
 *
 * @example
 * ```ts
 * isErrorCode("conflict"); // true
 * ```
 */
export function isErrorCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERROR_CODES, name);
}

/**
 * The code that an HTTP status stands for if the server sends no code; undefined for an unknown status.
 *
 * @example
 * ```ts
 * codeOfStatus(404); // "not_found"
 * ```
 */
export function codeOfStatus(status: number): ErrorCode | undefined {
  return FOREIGN_STATUSES[status] ?? codeWith("status", status);
}

/**
 * The code that a WebSocket close code stands for; undefined for an unknown one.
 *
 * @example
 * ```ts
 * codeOfClose(1012); // "restarting"
 * ```
 */
export function codeOfClose(close: number): ErrorCode | undefined {
  return FOREIGN_CLOSES[close] ?? codeWith("close", close);
}

/** Details of a {@link StreamError}. */
export interface StreamErrorOptions {
  /** The resource path or URL that the error is about. */
  path?: string;
  /** The underlying error. */
  cause?: unknown;
  /** Response headers for the refusal, such as `Allow`. */
  headers?: Record<string, string>;
}

/**
 * The one error class of this project. `message` is a sentence for people; `code` is for programs. Neither `message` nor
 * `path` contains an access token: the value of `access_token` in a URL is replaced by `…`.
 *
 * @example
 * ```ts
 * try {
 *   await append(url, source);
 * } catch (error) {
 *   if (error instanceof StreamError && error.code === "conflict") console.error("another client is appending");
 *   else throw error;
 * }
 * ```
 */
export class StreamError extends Error {
  /** Always `"StreamError"`. */
  override readonly name = "StreamError";
  /** The stable name of what went wrong. */
  readonly code: ErrorCode;
  /** The resource path or URL that the error is about, if any. */
  readonly path: string | undefined;
  /** Response headers for the refusal. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * Creates an error.
   *
   * @param code The stable name of what went wrong.
   * @param message A sentence: what happened, to which path, what to do.
   * @param options The path, the cause and response headers. Default: none.
   */
  constructor(code: ErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(withoutTokens(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path === undefined ? undefined : withoutTokens(options.path);
    this.headers = options.headers ?? {};
  }

  /** The HTTP status of this error. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** The WebSocket close code of this error. */
  get closeCode(): number {
    return ERROR_CODES[this.code].close;
  }

  /**
   * Converts a thrown value to a {@link StreamError}; returns a {@link StreamError} unchanged.
   *
   * @param fallback The code for any other value. Default `internal`.
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
