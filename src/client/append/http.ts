/**
 * An append over HTTP: the body of one request. It works without WebSockets, and cannot be resumed.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { NEXT_OFFSET_HEADER, parseOffset } from "../../protocol/offset.ts";
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";
import type { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { aborted, broken, refused } from "../connection/failure.ts";
import { FRAME_BYTES, LEAVE_TIMEOUT_MS } from "../connection/limits.ts";
import { type Target, withVerb } from "../connection/target.ts";
import { isClosed } from "../durable/close.ts";
import { sleep } from "../retry/reconnector.ts";
import { otherSize } from "./mismatch.ts";
import type { Appending, AppendState } from "./state.ts";
import { UploadBody } from "./upload-body.ts";

/** The dependencies of an {@link HttpAppend}. */
export interface HttpAppendParts {
  readonly environment: Environment;
  readonly target: Target;
  /** The scope of the append; the append ends it. */
  readonly scope: Scope;
  /** The required size of the resource; undefined for any. */
  readonly offset: number | undefined;
  /** Whether to close the stream at the end. */
  readonly closes: boolean;
  /** Whether to ask for another token if the first one is refused. */
  readonly renewsToken: boolean;
  report(state: AppendState): void;
}

/** One append as one request. Call {@link open} first. */
export class HttpAppend implements Appending {
  bytes = 0;
  /** The offset just past the last byte; undefined until the server has confirmed the end. */
  offset: number | undefined;
  readonly resumePoint: undefined;
  readonly failed: Promise<StreamError>;
  readonly #parts: HttpAppendParts;
  #body = new UploadBody();
  #answer: Promise<Response> = new Promise(() => {});
  #error: StreamError | undefined;
  #isClosing = false;
  #isLeaving = false;
  #setFailed: (error: StreamError) => void = () => {};
  readonly #ended: Promise<void>;
  #setEnded: () => void = () => {};

  constructor(parts: HttpAppendParts) {
    this.#parts = parts;
    this.failed = new Promise((resolve) => {
      this.#setFailed = resolve;
    });
    this.#ended = new Promise((resolve) => {
      this.#setEnded = resolve;
    });
  }

  /**
   * Sends the request. Resolves when its body is asked for. The server may still refuse the append.
   *
   * @throws {StreamError} `bad_request` on a platform that cannot stream a request body; a refusal, `unreachable`.
   */
  async open(): Promise<void> {
    const { target, scope, report, renewsToken } = this.#parts;
    const { signal } = scope;
    try {
      signal.throwIfAborted();
      if (!streamsBodies()) throw noStreaming(target.url);
      report({ state: "connecting" });
      let early = await this.#send();
      if (renewsToken && early?.status === 401 && !this.#body.isWanted) {
        await early.body?.cancel();
        early = await this.#send();
      }
      if (early && !early.ok) throw await refused(early, target.url, "APPEND");
    } catch (error) {
      this.#fail(error);
      throw this.#error;
    }
    signal.addEventListener("abort", () => this.abort(), { once: true });
    void this.#answer.then((response) => this.#judge(response)).catch((error: unknown) => this.#answered(error));
    report({ state: "open", protocol: "http", offset: undefined });
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#error) throw this.#error;
      // A copy, because the caller may reuse its buffer, and the reader may keep the piece. `slice` of a Buffer does not copy.
      const piece = new Uint8Array(bytes.subarray(at, at + FRAME_BYTES));
      if (!(await this.#body.write(piece))) throw await this.failed;
      at += piece.length;
      this.bytes += piece.length;
    }
  }

  async close(): Promise<void> {
    if (this.#error) throw this.#error;
    this.#isClosing = true;
    this.#body.close();
    await this.#ended;
    if (this.#error) throw this.#error;
  }

  async leave(reason: unknown): Promise<void> {
    if (this.#error || this.#isLeaving) return;
    this.#isLeaving = true;
    const { environment, scope } = this.#parts;
    const waited = sleep(environment.clock, LEAVE_TIMEOUT_MS, scope.signal).catch(() => {});
    // Written bytes must have been sent first: a body that breaks off ends its connection.
    await Promise.race([this.#body.consumed(), waited]);
    this.#body.fail(reason);
    // The server answers when it has stored what it has read. Then the path is free.
    await Promise.race([this.#answer.catch(() => {}), waited]);
    this.#fail(reason);
    await waited;
  }

  abort(): void {
    const { scope, target } = this.#parts;
    this.#fail(aborted(scope.signal, target.url));
  }

  /** Sends the request, and returns the response if it comes before the body is asked for. */
  async #send(): Promise<Response | undefined> {
    const { environment, target, scope, offset, closes } = this.#parts;
    const headers = new Headers(target.headers);
    if (closes) headers.set(CLOSED_HEADER, "true");
    const url = withVerb(target.url, "APPEND", offset === undefined ? {} : { offset });
    this.#body = new UploadBody();
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers,
      body: this.#body.stream as ReadableStream<Uint8Array<ArrayBuffer>>,
      duplex: "half",
      signal: scope.signal,
      cache: "no-store",
    };
    this.#answer = environment.fetch(url, init);
    this.#answer.catch(() => {});
    return (await Promise.race([this.#answer, this.#body.wanted])) ?? undefined;
  }

  async #judge(response: Response): Promise<void> {
    const { target, offset, scope, closes, report } = this.#parts;
    const { url } = target;
    if (this.#isLeaving || this.#error) {
      await response.body?.cancel();
      return;
    }
    if (!response.ok) throw await refused(response, url, "APPEND");
    await response.body?.cancel();
    const next = response.headers.get(NEXT_OFFSET_HEADER);
    if (closes && !isClosed(response.headers)) throw unconfirmed(url, "does not say that the stream is closed");
    if (next === null) throw unconfirmed(url, `has no ${NEXT_OFFSET_HEADER}`);
    if (!this.#isClosing) throw unconfirmed(url, "came before the end of the append");
    const end = parseOffset(NEXT_OFFSET_HEADER, next);
    if (offset !== undefined && end !== offset + this.bytes) {
      throw otherSize(url, `${end} bytes at the end, but should have ${offset + this.bytes}`);
    }
    this.offset = end;
    report({ state: "ended", reason: "complete", offset: end });
    this.#setEnded();
    scope.end();
  }

  #answered(error: unknown): void {
    if (!this.#isLeaving) this.#fail(error);
  }

  #fail(thrown: unknown): void {
    if (this.#error || this.offset !== undefined) return;
    const { scope, target, report } = this.#parts;
    const error = scope.signal.aborted
      ? aborted(scope.signal, target.url)
      : this.#isLeaving
        ? StreamError.from(thrown)
        : broken(thrown, target.url);
    this.#error = error;
    this.#body.fail(error);
    this.#setFailed(error);
    this.#setEnded();
    scope.abort();
    scope.end();
    report({ state: "ended", reason: "failed", error });
  }
}

/** Whether a request can have a stream as its body. A platform that cannot would send the name of its class instead. */
function streamsBodies(): boolean {
  const init = { method: "POST", body: new ReadableStream<Uint8Array<ArrayBuffer>>(), duplex: "half" };
  return !new Request("http://localhost/", init).headers.has("Content-Type");
}

function noStreaming(url: URL): StreamError {
  const message = "This browser can't stream the body of a request. Append over a WebSocket instead.";
  return new StreamError("bad_request", message, { path: url.href });
}

function unconfirmed(url: URL, why: string): StreamError {
  return new StreamError("protocol", `The server did not confirm the append: its answer ${why}.`, { path: url.href });
}
