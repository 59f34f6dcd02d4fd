/**
 * Appending to a URL.
 * @module
 */
import { AppendSink } from "./append-sink.ts";
import { connect } from "./connect.ts";
import { refused } from "./failure.ts";
import { isOriginal } from "./peer.ts";
import { Scope } from "./scope.ts";
import { type AppendSource, type Chunk, streamOf } from "./source.ts";
import { type HeadersLike, parseTarget, withVerb } from "./target.ts";

/** How to append. */
export interface AppendOptions {
  /** Drops the connection when it aborts. What the server has got by then stays. */
  signal?: AbortSignal;
  /** Headers to send along, such as `Authorization`. A browser cannot send any. */
  headers?: HeadersLike;
}

/** What was appended. */
export interface AppendResult {
  /** Bytes sent. */
  readonly bytes: number;
}

/**
 * Appends everything that a source yields, no faster than the server stores it, and resolves when the server has ended
 * the connection in its turn. Bytes that were read before a source failed are sent. When it rejects, the source is
 * cancelled.
 *
 * @param url An http, https, ws or wss URL.
 * @throws {StreamError} `conflict` when somebody else is appending, `unreachable`, `aborted`, `forbidden`,
 * `unauthorized`, `path_conflict`, `restarting`, `no_space`, `storage` and others; or what the source threw.
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
  const sink = await open(url, options).catch(async (error: unknown) => {
    await chunks.cancel(error).catch(() => {});
    throw error;
  });
  const writable = writableTo(sink);
  try {
    await chunks.pipeTo(writable, { preventAbort: true });
  } catch (error) {
    // The source failed, unless the writable did, which then can't be closed.
    await writable.close().catch(() => {});
    throw error;
  }
  return { bytes: sink.bytes };
}

/**
 * Opens an append to write to. Resolves once the server has given the path to this appender; nobody else can append to
 * it until the stream is closed, aborted or broken.
 *
 * A write waits while the network or the server is slow. `close()` resolves when the server has ended the connection
 * in its turn. The stream errors as soon as the connection breaks.
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
export async function openAppend(url: string | URL, options: AppendOptions = {}): Promise<WritableStream<Chunk>> {
  return writableTo(await open(url, options));
}

async function open(url: string | URL, { signal, headers }: AppendOptions): Promise<AppendSink> {
  const target = parseTarget(url, headers);
  const request = withVerb(target.url, "APPEND");
  const scope = new Scope(signal);
  try {
    const sink = new AppendSink(target.url, scope);
    const [answer, original] = await Promise.all([
      connect({ url: request, headers: target.headers, signal: scope.signal }, sink),
      isOriginal(target),
    ]);
    if (answer instanceof Response) throw await refused(answer, target.url, "APPEND");
    sink.attach(answer, original);
    return sink;
  } catch (error) {
    scope.end();
    throw error;
  }
}

function writableTo(sink: AppendSink): WritableStream<Chunk> {
  return new WritableStream<Chunk>(sink);
}
