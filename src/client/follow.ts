/**
 * Following a URL.
 * @module
 */
import { START_OFFSET_HEADER } from "../core/offset.ts";
import { connect, takesHeaders } from "./connect.ts";
import { aborted, broken, closedEarly, refused } from "./failure.ts";
import { Inbox } from "./inbox.ts";
import { Scope } from "./scope.ts";
import { skipInResponse, skipInSocket } from "./start.ts";
import { type HeadersLike, parseTarget, type StartOptions, type Target, withVerb } from "./target.ts";

/** What a follow is about: `connecting`, then `live` while an appender may add more, or `stored` when none is there. */
export type FollowState = "connecting" | "live" | "stored";

/** How to follow. */
export interface FollowOptions extends StartOptions {
  /** Ends the stream with the error `aborted`. */
  signal?: AbortSignal;
  /** Headers to send along, such as `Authorization`. A browser sends them over HTTP only. */
  headers?: HeadersLike;
  /**
   * `websocket`, or `http` where WebSockets do not get through. Default `websocket`. Over HTTP, Node ends a body that
   * stays quiet for five minutes.
   */
  transport?: "websocket" | "http";
  /** Is told what the follow is about, for those who show it to people. */
  onState?: (state: FollowState) => void;
}

/** One follow: what it asks for and what ends it. */
interface Request {
  readonly target: Target;
  readonly options: FollowOptions;
  readonly signal: AbortSignal;
}

/**
 * Follows a resource: a stream of everything stored from the wanted start on, then of what comes, which ends when the
 * appender ends. Without an appender it ends after what is stored. It connects at once, and reads no faster than it is
 * read from. Cancelling it leaves.
 *
 * @param url An http, https, ws or wss URL.
 * @returns A stream that errors with a {@link StreamError}: `not_found` when the path was never written, `unreachable`
 * when the connection cannot be made or breaks, `aborted`, `range`, `restarting`, `unauthorized` and others.
 * @throws {StreamError} `bad_request` for a URL or a start that is none.
 * @example
 * ```ts
 * for await (const bytes of follow("http://localhost:8080/build/42.log")) process.stdout.write(bytes);
 * ```
 */
export function follow(url: string | URL, options: FollowOptions = {}): ReadableStream<Uint8Array> {
  const target = parseTarget(url, options.headers);
  // Found out now, not when the stream is read.
  withVerb(target.url, "FOLLOW", options);
  const scope = new Scope(options.signal);
  const bytes = followed({ target, options, signal: scope.signal });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await bytes.next();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(scope.signal.aborted ? aborted(scope.signal, target.url) : broken(error, target.url));
      }
      scope.abort();
      scope.end();
    },
    cancel(reason) {
      scope.abort(reason);
      scope.end();
    },
  });
}

async function* followed(request: Request): AsyncGenerator<Uint8Array, void, void> {
  const { target, options, signal } = request;
  const url = withVerb(target.url, "FOLLOW", options);
  options.onState?.("connecting");
  const inbox = new Inbox();
  const answer = overHttp(request)
    ? await fetch(url, { headers: target.headers, signal, cache: "no-store" })
    : await connect({ url, headers: target.headers, signal }, inbox);
  if (answer instanceof Response) return yield* bodyOf(answer, request);
  inbox.attach(answer);
  const skip = await skipInSocket(options, target);
  options.onState?.("live");
  let received = 0;
  for await (const bytes of skipping(frames(inbox), skip)) {
    received += bytes.length;
    yield bytes;
  }
  if (!inbox.closing || signal.aborted) throw aborted(signal, target.url);
  const { code, error } = inbox.closing;
  if (!inbox.overflowed && error === undefined && (code === 1000 || code === 1005)) return;
  // A follow that began at the end of something can't say where it is now.
  const began = options.offset ?? (options.tail === undefined ? 0 : "now");
  const carryOn = inbox.overflowed || code === 1007 || (code === 1006 && !answer.exactText);
  if (!carryOn || began === "now") throw closedEarly(inbox.closing, target.url);
  yield* continued(request, began + received, closedEarly(inbox.closing, target.url));
}

function overHttp({ target, options }: Request): boolean {
  return options.transport === "http" || !(takesHeaders() || target.headers.keys().next().done);
}

async function* frames(inbox: Inbox): AsyncGenerator<Uint8Array, void, void> {
  for (let bytes = await inbox.read(); bytes; bytes = await inbox.read()) yield bytes;
}

/** The body of a response that is what was asked for. */
async function* bodyOf(response: Response, request: Request): AsyncGenerator<Uint8Array, void, void> {
  const { target, options } = request;
  if (response.status !== 200) throw await refused(response, target.url, "FOLLOW");
  options.onState?.(response.headers.has("Content-Length") ? "stored" : "live");
  if (response.body) yield* skipping(chunks(response.body), skipInResponse(response, options, target));
}

/**
 * Goes on over plain HTTP, from the offset where a WebSocket had to stop: because bytes that are not UTF-8 cannot
 * travel in its text frames, or because the reader was slow and the socket cannot be paused.
 */
async function* continued(request: Request, offset: number, stopped: Error): AsyncGenerator<Uint8Array, void, void> {
  const { target, signal } = request;
  const url = withVerb(target.url, "FOLLOW", { offset });
  const response = await fetch(url, { headers: target.headers, signal, cache: "no-store" }).catch(() => undefined);
  // Whoever does not know offsets would begin again at the first byte.
  if (response?.status !== 200 || Number(response.headers.get(START_OFFSET_HEADER) ?? -1) !== offset) {
    await response?.body?.cancel();
    throw stopped;
  }
  if (response.body) yield* chunks(response.body);
}

/** Not every browser can iterate over a stream. */
async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** Everything but the first bytes. */
async function* skipping(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void, void> {
  let left = count;
  for await (const piece of bytes) {
    const rest = piece.subarray(Math.min(left, piece.length));
    left -= piece.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
