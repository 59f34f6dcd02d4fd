/**
 * Following a URL.
 * @module
 */
import { callUser } from "../../support/callback.ts";
import { Scope } from "../../support/scope.ts";
import { type Environment, realEnvironment } from "../connection/environment.ts";
import { type HeadersLike, parseTarget, type StartOptions, withVerb } from "../connection/target.ts";
import { Reconnector, type RetryOptions } from "../retry/reconnector.ts";
import { Following } from "./following.ts";
import { FollowPosition } from "./position.ts";
import type { FollowState } from "./state.ts";
import { FollowSource, FollowStream } from "./stream.ts";
import type { FollowTask } from "./task.ts";

/** How to follow. */
export interface FollowOptions extends StartOptions, RetryOptions {
  /** Ends the stream with the error `aborted`. */
  signal?: AbortSignal;
  /** Headers to send along, such as `Authorization`. A browser sends them over HTTP only. */
  headers?: HeadersLike;
  /**
   * `websocket`, or `http` where WebSockets are known not to get through; without being told, that is found out.
   * Over `http` a connection that is dead without having said so is found only
   * as soon as the platform does. Default `websocket`.
   */
  transport?: "websocket" | "http";
  /** Is told what the follow is about, for those who show it to people. */
  onState?: (state: FollowState) => void;
}

/**
 * Follows a resource: a stream of everything stored from the wanted start on, then of what comes, which closes when
 * the appender ends; {@link FollowStream.ended} tells how. Without an appender it closes after what is stored.
 *
 * It connects at once, and reads no faster than it is read from. A connection that breaks is made again, and the stream
 * goes on at exactly the byte where it was interrupted. Cancelling it leaves.
 *
 * @param url An http, https, ws or wss URL.
 * @returns A stream that errors with a {@link StreamError}: `not_found` when the path was never written, `unreachable`
 * when nobody can be reached, or not for too long, `range` when there are fewer bytes than the offset says, `replaced` when there is other content than the one it began with, `aborted`,
 * `unauthorized`, `protocol` and others.
 * @throws {StreamError} `bad_request` for a URL or a start that is none.
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

/** As {@link follow}, in a world of one's own. */
export function followIn(environment: Environment, url: string | URL, options: FollowOptions): FollowStream {
  const target = parseTarget(url, options.headers);
  // Found out now, not when the stream is read.
  withVerb(target.url, "FOLLOW", options);
  const scope = new Scope(options.signal);
  const { signal } = scope;
  const report = (state: FollowState): void => callUser("onState", options.onState, state);
  const reconnector = new Reconnector({
    clock: environment.clock,
    random: environment.random,
    options,
    resuming: false,
    signal,
    onRetrying: report,
  });
  const position = new FollowPosition(options, target.url);
  const task: FollowTask = { environment, target, position, reconnector, signal, report };
  const headless = target.headers.keys().next().done === true;
  const transport = environment.takesHeaders || headless ? (options.transport ?? "websocket") : "http";
  const following = new Following(task, { transport, retries: options.retryForMs !== 0 });
  return new FollowStream(new FollowSource(task, following, scope));
}
