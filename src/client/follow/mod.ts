/**
 * Follows a URL.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { callUser } from "../../support/callback.ts";
import { Scope } from "../../support/scope.ts";
import { type Environment, realEnvironment, withFetch } from "../connection/environment.ts";
import type { FetchFunction } from "../connection/request.ts";
import { type HeadersLike, parseTarget, type StartOptions, withVerb } from "../connection/target.ts";
import { renewsToken, type TokenSource, withToken } from "../connection/token.ts";
import { Reconnector, type RetryOptions } from "../retry/reconnector.ts";
import { durableFollow } from "./durable.ts";
import { Following } from "./following.ts";
import { FollowPosition } from "./position.ts";
import type { FollowState } from "./state.ts";
import { FollowSource, FollowStream } from "./stream.ts";
import type { FollowTask } from "./task.ts";

/** Options of {@link follow}. */
export interface FollowOptions extends StartOptions, RetryOptions {
  /** Ends the stream with the error `aborted`. */
  signal?: AbortSignal;
  /**
   * Headers to send, such as `Authorization`. Browsers can send them over HTTP only, so headers imply that transport.
   */
  headers?: HeadersLike;
  /**
   * Set `http` to skip WebSockets; otherwise blocking is detected automatically. Over `http`, a connection that died
   * silently is detected only when the platform notices. Default `websocket`.
   */
  transport?: "websocket" | "http";
  /**
   * An access token, or a function that returns one; see {@link AppendOptions.token}. Unlike `headers`, it works with
   * the WebSocket of a browser.
   */
  token?: TokenSource;
  /**
   * The protocol to use. A server that supports only Durable Streams is recognized by its answer, unless the URL does not
   * exist yet; `durable-streams` uses that with any server, over HTTP. Default: `httpfstream.v1`, or what the server
   * supports.
   */
  protocol?: "durable-streams";
  /**
   * Sends the requests in place of the global `fetch`, for example `app.fetch` of a Hono app, which then needs no port.
   * Implies `transport: "http"`.
   */
  fetch?: FetchFunction;
  /**
   * Whether to continue when the append ends, and wait for the next one, as `tail -F` does; the resource need not exist. The
   * stream closes only if the resource is deleted or replaced. A server that does not know this ends each follow
   * normally; the client then asks again, after pauses of up to 15 s, and such a server answers `not_found` for a
   * resource that does not exist. With `retryForMs: 0`, it does not ask again. Default false.
   */
  stay?: boolean;
  /** Called when the state of the follow changes, for status displays. */
  onState?: (state: FollowState) => void;
}

/**
 * Follows a resource. The stream yields all bytes stored from the requested start, then bytes as they are appended. It
 * closes when the appender ends; {@link FollowStream.ended} reports how. Without an appender, it closes after the
 * stored bytes. With `stay`, it continues over any number of appends. On a Durable Streams server, it closes when the
 * stream is closed or removed.
 *
 * The client connects at once and applies backpressure: it reads no faster than the consumer. If the connection breaks,
 * the client reconnects and continues at the exact byte. Cancelling the stream disconnects.
 *
 * @param url An http, https, ws or wss URL.
 * @returns A stream that fails with a {@link StreamError}: `not_found` if the path does not exist, `unreachable` if no
 * server can be reached or reconnecting took too long, `range` if the offset is past the end, `replaced` if the content
 * is no longer the one that the follow began with, `aborted`, `unauthorized`, `protocol` and others.
 * @throws {StreamError} `bad_request` for an invalid URL or start.
 * @example
 * ```ts
 * const log = follow("http://localhost:8080/build/42.log");
 * for await (const bytes of log) process.stdout.write(bytes);
 * const { reason } = await log.ended;
 * if (reason === "lost") console.error("the build has vanished");
 * ```
 */
export function follow(url: string | URL, options: FollowOptions = {}): FollowStream {
  return followIn(realEnvironment, url, options);
}

/** Like {@link follow}, in a given environment. */
export function followIn(base: Environment, url: string | URL, options: FollowOptions): FollowStream {
  const target = parseTarget(url, options.headers);
  const environment = withToken(withFetch(base, options.fetch), options.token, target);
  // Validates the start now rather than when the stream is read.
  withVerb(target.url, "FOLLOW", options);
  const scope = new Scope(options.signal);
  const { signal } = scope;
  const report = (state: FollowState): void => callUser("onState", options.onState, state);
  const reconnector = new Reconnector({
    clock: environment.clock,
    random: environment.random,
    options,
    renewsToken: renewsToken(options.token),
    resuming: false,
    signal,
    onRetrying: report,
  });
  const position = new FollowPosition(options, target.url);
  const task: FollowTask = { environment, target, position, reconnector, signal, report };
  const { retryForMs, stay = false } = options;
  if (options.protocol === "durable-streams" || options.position !== undefined) {
    return new FollowStream(new FollowSource(task, durableFollow(task), scope));
  }
  const following = new Following(task, {
    transport: transportOf(options, environment.takesHeaders || target.headers.keys().next().done === true),
    retries: retryForMs !== 0,
    stays: stay && retryForMs !== 0,
  });
  return new FollowStream(new FollowSource(task, following, scope));
}

function transportOf(
  { fetch, transport }: FollowOptions,
  socketsSuffice: boolean,
): NonNullable<FollowOptions["transport"]> {
  if (fetch === undefined) return socketsSuffice ? (transport ?? "websocket") : "http";
  if (transport !== "websocket") return "http";
  throw new StreamError("bad_request", 'The option "fetch" can\'t open a WebSocket. Leave out "transport".');
}
