/**
 * An append to a Durable Streams server, as an idempotent producer: each batch of bytes is one request with a number, by
 * which the server recognizes a request that it has stored already.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { essenceOf } from "../../protocol/media-type.ts";
import { NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CLOSED_HEADER, PRODUCER_HEADERS } from "../../protocol/stream-headers.ts";
import { Condition } from "../../support/condition.ts";
import type { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { aborted, broken } from "../connection/failure.ts";
import { BATCH_WINDOW_BYTES, FRAME_BYTES, SILENCE_MS } from "../connection/limits.ts";
import type { Target } from "../connection/target.ts";
import { Reconnector, type RetryingState, type RetryOptions } from "../retry/reconnector.ts";
import { type Batches, ByteBatches, JsonBatches } from "./batches.ts";
import { appendRefused, closed, closeStream, isClosed } from "./close.ts";
import { notDurable } from "./discovery.ts";
import { StreamExchange } from "./exchange.ts";

/** The state of an append to a Durable Streams server. */
export type DurableAppendState =
  | { readonly state: "connecting" }
  | { readonly state: "open"; readonly protocol: "durable-streams"; readonly offset: undefined }
  | RetryingState
  | { readonly state: "ended"; readonly reason: "complete"; readonly offset: undefined }
  | { readonly state: "ended"; readonly reason: "failed"; readonly error: StreamError };

/** The dependencies of a {@link DurableAppend}. */
export interface DurableAppendParts {
  readonly environment: Environment;
  readonly target: Target;
  /** The scope of the append; the append ends it. */
  readonly scope: Scope;
  readonly options: RetryOptions;
  /** Whether to close the stream at the end. */
  readonly closes: boolean;
  /** Whether to ask for another token if one is refused. */
  readonly renewsToken: boolean;
  /** How the server refused another protocol, if this one was not asked for; reported if it does not support this one. */
  readonly refusal?: StreamError;
  report(state: DurableAppendState): void;
}

/** Statuses with which other servers refuse to create anything. */
const NO_PUT: ReadonlySet<number> = new Set([404, 405, 501]);

/** One append. Call {@link open} first. */
export class DurableAppend {
  bytes = 0;
  /** Such a server sends no offsets in bytes. */
  readonly offset: undefined;
  readonly resumePoint: undefined;
  /** What the server calls the end of the stream, as of its last answer. */
  position: string | undefined;
  readonly failed: Promise<StreamError>;
  readonly #parts: DurableAppendParts;
  readonly #exchange: StreamExchange;
  readonly #reconnector: Reconnector;
  readonly #changed = new Condition();
  readonly #producer: string = randomName();
  #seq = 0;
  #type = "";
  #batches: Batches = new ByteBatches();
  #inFlight = 0;
  #isEnding = false;
  #isComplete = false;
  #isAway = true;
  /** Whether nothing can be sent before more is written. */
  #isStarved = true;
  #error: StreamError | undefined;
  #setFailed: (error: StreamError) => void = () => {};

  constructor(parts: DurableAppendParts) {
    const { environment, target, scope, options, renewsToken, report } = parts;
    this.#parts = parts;
    this.#exchange = new StreamExchange(environment, target, scope.signal);
    this.failed = new Promise((resolve) => {
      this.#setFailed = resolve;
    });
    this.#reconnector = new Reconnector({
      clock: environment.clock,
      random: () => environment.random(),
      options,
      renewsToken,
      resuming: false,
      signal: scope.signal,
      onRetrying: (state) => {
        this.#isAway = true;
        report(state);
      },
    });
  }

  /**
   * Checks whether the stream exists, and creates it if not.
   *
   * @throws {StreamError} `closed`, `mismatch`, or as any append.
   */
  async open(): Promise<void> {
    const { scope, refusal, report } = this.#parts;
    try {
      report({ state: "connecting" });
      // The server has refused another protocol, so the URL is right.
      if (refusal) this.#reconnector.reached();
      await this.#retrying(() => this.#find());
    } catch (error) {
      this.#fail(error);
      throw this.#error;
    }
    if (essenceOf(this.#type) === "application/json") this.#batches = new JsonBatches(this.#parts.target.url.href);
    scope.signal.addEventListener("abort", () => this.abort(), { once: true });
    void this.#run();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      await this.#waitUntil(() => this.#batches.length + this.#inFlight < BATCH_WINDOW_BYTES || this.#isStarved);
      const piece = bytes.subarray(at, at + FRAME_BYTES);
      this.#batches.push(piece);
      this.bytes += piece.length;
      this.#isStarved = false;
      this.#changed.wake();
    }
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    this.#changed.wake();
    await this.#waitUntil(() => this.#isComplete);
  }

  async leave(reason: unknown): Promise<void> {
    await this.#waitUntil(() => this.#isStarved);
    this.#fail(StreamError.from(reason));
  }

  abort(): void {
    const { scope, target } = this.#parts;
    this.#fail(aborted(scope.signal, target.url));
  }

  async #run(): Promise<void> {
    const { closes, report, scope } = this.#parts;
    try {
      let hasClosed = false;
      for (;;) {
        const batch = this.#batches.take(this.#isEnding);
        this.#isStarved = batch === undefined;
        if (batch) {
          this.#inFlight = batch.bytes;
          hasClosed = closes && this.#isEnding && this.#batches.length === 0;
          await this.#retrying(() => this.#store(batch.body, hasClosed));
          this.#seq++;
          this.#inFlight = 0;
        } else if (this.#isEnding) break;
        this.#changed.wake();
        if (!batch) await this.#changed.wait();
        if (this.#error) return;
      }
      if (closes && !hasClosed) await this.#retrying(() => this.#close());
      this.#isComplete = true;
      report({ state: "ended", reason: "complete", offset: undefined });
      this.#changed.wake();
      scope.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Runs one step until it succeeds, as long as the retry policy allows. */
  async #retrying(step: () => Promise<void>): Promise<void> {
    const { target, report } = this.#parts;
    for (;;) {
      try {
        await step();
        this.#reconnector.reached();
        this.#reconnector.opened();
        this.#reconnector.progressed();
        if (this.#isAway) report({ state: "open", protocol: "durable-streams", offset: undefined });
        this.#isAway = false;
        return;
      } catch (error) {
        await this.#reconnector.lost(broken(error, target.url));
      }
    }
  }

  async #find(): Promise<void> {
    const { target, refusal } = this.#parts;
    const found = await this.#ask({ method: "HEAD" });
    if (found.status === 404) return await this.#create();
    if (!found.ok) throw await this.#exchange.refusal(found, "APPEND");
    if (!found.headers.has(NEXT_OFFSET_HEADER))
      throw refusal ?? notDurable(target.url, "its answer has no offset, as for a folder");
    this.#adopt(found);
  }

  async #create(): Promise<void> {
    const { target, refusal } = this.#parts;
    const created = await this.#ask({ method: "PUT", headers: this.#exchange.creation });
    if (created.ok && created.headers.has(NEXT_OFFSET_HEADER)) return this.#adopt(created);
    if (refusal && (created.ok || NO_PUT.has(created.status))) throw refusal;
    throw created.ok
      ? notDurable(target.url, "its answer has no offset, as for a folder")
      : await this.#exchange.refusal(created, "APPEND");
  }

  /** Adopts what the server reports about the stream. */
  #adopt({ headers }: Response): void {
    const { url } = this.#parts.target;
    const { "Content-Type": wanted } = this.#exchange.creation;
    if (isClosed(headers)) throw closed(url);
    this.#type = headers.get("Content-Type") ?? wanted ?? "application/octet-stream";
    this.position = headers.get(NEXT_OFFSET_HEADER) ?? undefined;
    if (wanted === undefined || essenceOf(wanted) === essenceOf(this.#type)) return;
    const message = `"${url.pathname}" has the type ${this.#type}, not ${wanted}.`;
    throw new StreamError("mismatch", message, { path: url.href });
  }

  async #store(body: Uint8Array, closes: boolean): Promise<void> {
    const answer = await this.#ask({
      method: "POST",
      body,
      headers: {
        "Content-Type": this.#type,
        [PRODUCER_HEADERS.id]: this.#producer,
        [PRODUCER_HEADERS.epoch]: "0",
        [PRODUCER_HEADERS.seq]: String(this.#seq),
        ...(closes && { [CLOSED_HEADER]: "true" }),
      },
    });
    if (!answer.ok) throw await appendRefused(this.#exchange, answer, this.#parts.target.url);
    if (answer.status === 204 && answer.headers.get(PRODUCER_HEADERS.seq) === null) {
      throw notDurable(this.#parts.target.url, "it ignores the numbers of a producer");
    }
    this.position = answer.headers.get(NEXT_OFFSET_HEADER) ?? this.position;
  }

  async #close(): Promise<void> {
    this.position = (await closeStream(this.#exchange, this.#parts.target.url)) ?? this.position;
  }

  async #ask(request: {
    method: "HEAD" | "PUT" | "POST";
    headers?: Record<string, string>;
    body?: Uint8Array;
  }): Promise<Response> {
    const answer = await this.#exchange.ask({ ...request, timeoutMs: SILENCE_MS });
    // A request with a body is not repeated by the function that adds the token.
    const isRefused = answer.status === 401 && this.#parts.renewsToken && request.body !== undefined;
    return isRefused ? await this.#exchange.ask({ ...request, timeoutMs: SILENCE_MS }) : answer;
  }

  #fail(thrown: unknown): void {
    if (this.#error || this.#isComplete) return;
    const { scope, target, report } = this.#parts;
    const error = scope.signal.aborted ? aborted(scope.signal, target.url) : broken(thrown, target.url);
    this.#error = error;
    this.#setFailed(error);
    this.#changed.wake();
    scope.abort();
    scope.end();
    report({ state: "ended", reason: "failed", error });
  }

  async #waitUntil(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#error) throw this.#error;
      await this.#changed.wait();
    }
    if (this.#error) throw this.#error;
  }
}

/** A name that no other producer has. `crypto.randomUUID` is missing on pages without TLS. */
function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `httpfstream-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
