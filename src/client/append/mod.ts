/**
 * Appending to a URL.
 * @module
 */

import { callUser } from "../../support/callback.ts";
import { Scope } from "../../support/scope.ts";
import { type Environment, realEnvironment } from "../connection/environment.ts";
import { isOriginal } from "../connection/peer.ts";
import { type HeadersLike, parseTarget } from "../connection/target.ts";
import type { RetryOptions } from "../retry/reconnector.ts";
import { ClassicAppend } from "./classic.ts";
import { AppendSession } from "./session.ts";
import { AppendSink } from "./sink.ts";
import { type AppendSource, type Chunk, streamOf } from "./source.ts";
import type { Appending, AppendState, Resume, ResumePoint } from "./state.ts";

/** How to append. */
export interface AppendOptions extends RetryOptions {
  /** Drops the append when it aborts. What the server has got by then stays. */
  signal?: AbortSignal;
  /** Headers to send along, such as `Authorization`. A browser cannot send any. */
  headers?: HeadersLike;
  /** Begin only if the resource has exactly so many bytes; 0 for one that must not exist, or must be empty. */
  offset?: number;
  /**
   * Go on with an append that another program, or an earlier run of this one, has begun and not ended: what `onAcked`
   * told it, or {@link AppendStream.resumePoint}. The source must begin with the byte that belongs at its offset.
   */
  resume?: Resume;
  /** Is told how to resume, before anything is read from the source and whenever more is acknowledged. */
  onAcked?: (point: ResumePoint) => void;
  /** Is told what the append is about, for those who show it to people. */
  onState?: (state: AppendState) => void;
}

/** What was appended. */
export interface AppendResult {
  /** Bytes sent, each of them once. */
  readonly bytes: number;
  /** The offset just past the last of them, which is the size that the resource had then. Classic servers say none. */
  readonly offset: number | undefined;
}

/** An open append. */
export class AppendStream extends WritableStream<Chunk> {
  readonly #appending: Appending;

  /** @param appending What it is made of. */
  constructor(appending: Appending) {
    super(new AppendSink(appending));
    this.#appending = appending;
  }

  /** Every byte before this offset of the resource is acknowledged. Nothing with a classic server. */
  get offset(): number | undefined {
    return this.#appending.offset;
  }

  /** How to go on after a restart of this program. Nothing with a classic server. */
  get resumePoint(): ResumePoint | undefined {
    return this.#appending.resumePoint;
  }
}

/**
 * Appends everything that a source yields, no faster than the server stores it, and resolves when the server has
 * confirmed the end. A connection that breaks is made again, and the append goes on at exactly the byte where it was
 * interrupted, also after a restart of the server. (With the original server, which knows nothing of the kind, the
 * append fails.)
 *
 * Bytes that were read before a source failed are sent, but the append is not confirmed as complete: its followers
 * learn that it was lost, unless somebody resumes it in time. When it rejects, the source is cancelled.
 *
 * @param url An http, https, ws or wss URL.
 * @throws {StreamError} `conflict` when somebody else is appending, `precondition_failed` when the size is not the
 * wanted one, `unreachable`, `gone` when the server has given the append up, `changed` when bytes are there or missing
 * that should not be, `fenced` when somebody has resumed it elsewhere, `aborted`, `forbidden`, `unauthorized`,
 * `path_conflict`, `no_space`, `storage` and others; or what the source threw.
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
  const appending = await openIn(realEnvironment, url, options).catch(async (error: unknown) => {
    await chunks.cancel(error).catch(() => {});
    throw error;
  });
  try {
    await chunks.pipeTo(new AppendStream(appending), { preventAbort: true });
  } catch (error) {
    // The source failed, unless the append did, which then can't be left any more.
    await appending.leave(error).catch(() => {});
    throw error;
  }
  const { bytes, offset } = appending;
  return { bytes, offset };
}

/**
 * Opens an append to write to. Resolves once the server has given the path to this appender; nobody else can append to
 * it until the stream is closed, or is aborted or fails and the server's time of grace is over.
 *
 * A write waits while the network or the server is slow, and while a broken connection is made again. `close()`
 * resolves when the server has confirmed the end. The stream errors as soon as there is no hope left.
 *
 * @param url An http, https, ws or wss URL.
 * @throws {StreamError} as {@link append}
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

/** As {@link openAppend}, in a world of one's own, and not yet a stream. */
export async function openIn(environment: Environment, url: string | URL, options: AppendOptions): Promise<Appending> {
  const target = parseTarget(url, options.headers);
  const scope = new Scope(options.signal);
  const report = (state: AppendState): void => callUser("onState", options.onState, state);
  try {
    const session = new AppendSession({ environment, target, scope, options, report });
    const classic = await session.open();
    if (!classic) return session;
    const text = await isOriginal(target, environment.fetch);
    const appending = new ClassicAppend(target.url, scope, classic.socket, text, report);
    classic.relay.to(appending);
    report({ state: "open", protocol: "classic", offset: undefined });
    return appending;
  } catch (error) {
    scope.end();
    throw error;
  }
}
