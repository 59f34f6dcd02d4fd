/**
 * Appends to a URL.
 * @module
 */

import { type AppendSource, abandon, type Chunk, pour, streamOf } from "../../protocol/append-source.ts";
import { StreamError } from "../../protocol/errors.ts";
import { callUser } from "../../support/callback.ts";
import { Scope } from "../../support/scope.ts";
import { type Environment, realEnvironment, withFetch } from "../connection/environment.ts";
import { isOriginalServer } from "../connection/original-server.ts";
import type { FetchFunction } from "../connection/request.ts";
import { type HeadersLike, parseTarget } from "../connection/target.ts";
import { renewsToken, type TokenSource, withToken } from "../connection/token.ts";
import { DurableAppend } from "../durable/append.ts";
import { DurableServerFound } from "../durable/discovery.ts";
import type { RetryOptions } from "../retry/reconnector.ts";
import { ClassicAppend } from "./classic.ts";
import { ClosingAppend } from "./closing.ts";
import { HttpAppend } from "./http.ts";
import { AppendSession, type ClassicConnection, type SessionParts } from "./session.ts";
import { AppendSink } from "./sink.ts";
import type { Appending, AppendState, Resume, ResumePoint } from "./state.ts";

/** Options of {@link append} and {@link openAppend}. */
export interface AppendOptions extends RetryOptions {
  /** Aborts the append. The bytes that the server has received stay. */
  signal?: AbortSignal;
  /** Headers to send, such as `Authorization`. Browsers cannot send headers with an append. */
  headers?: HeadersLike;
  /**
   * An access token, or a function that returns one. It is sent as `Authorization: Bearer`; by the WebSocket of a
   * browser, which cannot send headers, as the query parameter `access_token`.
   *
   * The function is called for each attempt to connect, and once more if the server answers 401. When the token of an
   * open connection expires, the client calls it again and resumes. An error of the function fails the first attempt;
   * later it is retried like a broken connection. Default: no token.
   */
  token?: TokenSource;
  /**
   * Set `http` to append without WebSockets, as the body of one request. Such an append cannot be resumed: it fails when
   * its connection breaks, and if the source fails, its last bytes may not arrive. A refusal may fail the first write
   * instead of the opening. Node, Deno and Bun can stream a request body; of browsers, only those based on Chromium, over
   * HTTP/2. Default `websocket`.
   */
  transport?: "websocket" | "http";
  /**
   * Sends the requests in place of the global `fetch`, for example `app.fetch` of a Hono app, which then needs no port.
   * Implies `transport: "http"`.
   */
  fetch?: FetchFunction;
  /**
   * The protocol to use. A server that supports only Durable Streams is recognized by its answer to the WebSocket;
   * `durable-streams` uses that with any server, over HTTP. Then the append is an idempotent producer: it creates the
   * stream if it does not exist, with the `Content-Type`, `Stream-TTL` and `Stream-Expires-At` of `headers`, and sends its
   * bytes in numbered requests, which are repeated until they are stored. To a stream of JSON, it appends one message per
   * line. `resume` and `offset` are refused, and `onAcked` is not called. Default: `httpfstream.v1`, or what the server
   * supports.
   */
  protocol?: "durable-streams";
  /**
   * Close the stream at the end: nothing can be appended to it any more, and followers of the stream learn `complete`.
   * The end of an append alone does not close it. Classic servers can't. Default false.
   */
  close?: boolean;
  /**
   * Append only if the resource has exactly this size in bytes; 0 requires that it is empty or does not exist. Default:
   * any size.
   */
  offset?: number;
  /**
   * Resume an append that another program or an earlier run began and did not end. Pass what `onAcked` received, or
   * {@link AppendStream.resumePoint}. The source must start with the byte that belongs at its offset.
   */
  resume?: Resume;
  /** Called with the resume point before the source is read, and whenever more bytes are acknowledged. */
  onAcked?: (point: ResumePoint) => void;
  /** Called when the state of the append changes, for status displays. */
  onState?: (state: AppendState) => void;
}

/** The result of an append. */
export interface AppendResult {
  /** Bytes sent, each counted once. */
  readonly bytes: number;
  /**
   * The offset just past the last byte, which was the size of the resource at that time. Undefined with classic and
   * Durable Streams servers.
   */
  readonly offset: number | undefined;
  /** What a Durable Streams server calls the end of the stream. Missing with other servers. */
  readonly position?: string;
}

/**
 * An open append. Returned by {@link openAppend}.
 *
 * @example
 * ```ts
 * const log = await openAppend("http://localhost:8080/app.log");
 * await new Blob(["started\n"]).stream().pipeTo(log);
 * console.log(log.offset);
 * ```
 */
export class AppendStream extends WritableStream<Chunk> {
  readonly #appending: Appending;

  /**
   * Wraps an append.
   *
   * @param appending The append to write to.
   */
  constructor(appending: Appending) {
    super(new AppendSink(appending));
    this.#appending = appending;
  }

  /**
   * All bytes of the resource before this offset are acknowledged. Undefined with classic and Durable Streams servers,
   * and over HTTP until the stream is closed.
   */
  get offset(): number | undefined {
    return this.#appending.offset;
  }

  /** What a Durable Streams server calls the end of the stream, as of its last answer. Undefined with other servers. */
  get position(): string | undefined {
    return this.#appending.position;
  }

  /**
   * What to pass as `resume` after a restart of this program. Undefined over HTTP, and with classic and Durable Streams
   * servers.
   */
  get resumePoint(): ResumePoint | undefined {
    return this.#appending.resumePoint;
  }
}

/**
 * Appends all bytes that a source yields, no faster than the server stores them, and resolves when the server has
 * confirmed the end. If the connection breaks, the client reconnects and continues at the exact byte, even after a
 * restart of the server. With the original server, which cannot resume, the append fails instead.
 *
 * If the source fails, the bytes read before are sent, but the append is not marked complete: followers learn that it
 * was lost unless it is resumed within the grace period. If the append fails, the source is cancelled.
 *
 * @param url An http, https, ws or wss URL.
 * @throws {StreamError} `conflict` if another client is appending, `precondition_failed` if the size is not `offset`,
 * `unreachable`, `gone` if the server has ended the session, `changed` if the resource has more or fewer bytes than it
 * should, `fenced` if another process has resumed the append, `aborted`, `forbidden`, `unauthorized`, `path_conflict`,
 * `no_space`, `storage` and others; or the error of the source.
 * @example
 * ```ts
 * await append("http://localhost:8080/build/42.log", "all tests passed\n");
 * await append("http://localhost:8080/build/42.log", process.stdin);
 * ```
 */
export async function append(
  url: string | URL,
  source: AppendSource,
  options: AppendOptions = {},
): Promise<AppendResult> {
  const chunks = streamOf(source);
  const appending = await openIn(realEnvironment, url, options).catch((error: unknown) => {
    abandon(chunks, error);
    throw error;
  });
  try {
    await pour(chunks, new AppendStream(appending), { preventAbort: true });
  } catch (error) {
    // If the append itself has failed, `leave` rejects, and the error of the pipe counts.
    await appending.leave(error).catch(() => {});
    throw error;
  }
  const { bytes, offset, position } = appending;
  return { bytes, offset, ...(position !== undefined && { position }) };
}

/**
 * Opens an append for writing. Resolves once the server has given the path to this appender. Other clients cannot
 * append to the path until the stream is closed, or until the grace period after an abort or failure has passed.
 *
 * Writes wait for a slow network or server, and during reconnects. `close()` resolves when the server has confirmed the
 * end. The stream errors as soon as the append cannot continue.
 *
 * @param url An http, https, ws or wss URL.
 * @throws {StreamError} as {@link append}.
 * @example
 * ```ts
 * const writer = (await openAppend("http://localhost:8080/app.log")).getWriter();
 * await writer.write("started\n");
 * await writer.close();
 * ```
 */
export async function openAppend(url: string | URL, options: AppendOptions = {}): Promise<AppendStream> {
  return new AppendStream(await openIn(realEnvironment, url, options));
}

/**
 * Like {@link openAppend}, in a given environment, and without wrapping it in a stream.
 *
 * @throws {StreamError} as {@link append}.
 */
export async function openIn(base: Environment, url: string | URL, options: AppendOptions): Promise<Appending> {
  const target = parseTarget(url, options.headers);
  const environment = withToken(withFetch(base, options.fetch), options.token, target);
  const isDurable = options.protocol === "durable-streams";
  if (isDurable) checkDurable(options);
  const overHttp = !isDurable && usesHttp(options);
  const scope = new Scope(options.signal);
  const report = (state: AppendState): void => callUser("onState", options.onState, state);
  const closes = options.close === true;
  const parts = { environment, target, scope, report, closes, renewsToken: renewsToken(options.token) };
  try {
    if (overHttp) return await opened(new HttpAppend({ ...parts, offset: options.offset }));
    if (isDurable) return await opened(new DurableAppend({ ...parts, options }));
    const session = new AppendSession({ ...parts, options });
    const found = await session.open().catch((error: unknown) => {
      if (error instanceof DurableServerFound) return error;
      throw error;
    });
    if (found instanceof DurableServerFound) {
      return await opened(new DurableAppend({ ...parts, options, refusal: found }));
    }
    if (found) return await openClassic(parts, found);
    return closes ? new ClosingAppend(session, { ...parts, options }) : session;
  } catch (error) {
    scope.end();
    throw error;
  }
}

async function opened<T extends Appending & { open(): Promise<void> }>(appending: T): Promise<T> {
  await appending.open();
  return appending;
}

async function openClassic(
  { environment, target, scope, report, closes }: Omit<SessionParts, "options"> & { readonly closes: boolean },
  { socket, relay }: ClassicConnection,
): Promise<Appending> {
  if (closes) {
    socket.terminate();
    throw new StreamError("protocol", "This server can't close a stream.", { path: target.url.href });
  }
  const text = await isOriginalServer(target, environment.fetch);
  const appending = new ClassicAppend(target.url, scope, socket, text, report);
  relay.to(appending);
  report({ state: "open", protocol: "classic", offset: undefined });
  return appending;
}

/** @throws {StreamError} `bad_request` for options that HTTP has no counterpart for. */
function usesHttp({ fetch, transport, resume, onAcked }: AppendOptions): boolean {
  if (fetch === undefined && transport !== "http") return false;
  if (transport === "websocket") {
    throw new StreamError("bad_request", 'The option "fetch" can\'t open a WebSocket. Leave out "transport".');
  }
  if (resume !== undefined || onAcked !== undefined) {
    const message = 'An append over HTTP can\'t be resumed. Leave out "resume" and "onAcked", or use a WebSocket.';
    throw new StreamError("bad_request", message);
  }
  return true;
}

/** @throws {StreamError} `bad_request` for options that Durable Streams have no counterpart for. */
function checkDurable({ resume, offset }: AppendOptions): void {
  if (resume === undefined && offset === undefined) return;
  const message = 'An append with Durable Streams can\'t be resumed or check a size. Leave out "resume" and "offset".';
  throw new StreamError("bad_request", message);
}
