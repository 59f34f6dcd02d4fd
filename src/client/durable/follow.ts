/**
 * A follow of a Durable Streams server: what is stored, then one long-poll after the other. Server-sent events would
 * change bytes: a carriage return in text becomes a line feed, and bytes that are not UTF-8 are replaced.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { GENERATION_HEADER } from "../../protocol/generation.ts";
import { essenceOf } from "../../protocol/media-type.ts";
import { NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CURSOR_HEADER, UP_TO_DATE_HEADER } from "../../protocol/stream-headers.ts";
import { chunks } from "../../support/chunks.ts";
import type { Environment } from "../connection/environment.ts";
import { placeIn } from "../connection/failure.ts";
import { BACKOFF_MAX_MS, LONG_POLL_MS, SILENCE_MS } from "../connection/limits.ts";
import type { FollowQuery, Target } from "../connection/target.ts";
import { type Reconnector, sleep } from "../retry/reconnector.ts";
import { isClosed } from "./close.ts";
import { cannot, notDurable } from "./discovery.ts";
import { StreamExchange, type StreamResponse } from "./exchange.ts";
import { JsonLines } from "./json-lines.ts";
import { formatPlace, type Place, parsePlace } from "./place.ts";

/** The reports of the follow. */
export type DurableFollowState =
  | { readonly state: "connecting" }
  | { readonly state: "open"; readonly transport: "http"; readonly live: boolean; readonly offset: undefined }
  | { readonly state: "idle"; readonly offset: undefined; readonly reason: EndedReason };

/** The dependencies of a {@link DurableFollow}. */
export interface DurableFollowTask {
  readonly environment: Environment;
  readonly target: Target;
  readonly reconnector: Reconnector;
  /** What the caller asked for. */
  readonly wanted: FollowQuery;
  /** Aborts the whole follow. */
  readonly signal: AbortSignal;
  /**
   * Receives the content that is read, and the place just past the bytes that are yielded next, or of the bytes yielded
   * before.
   */
  moved(place: { readonly position: string; readonly generation: string | undefined; readonly isRead: boolean }): void;
  report(state: DurableFollowState): void;
}

/** Upper bound of the delay before the first repeated check for a stream that does not exist. */
const LOOK_FIRST_MS = 1_000;

/** The place of the first byte. */
const START: Place = { token: "-1", skip: 0 };

/** The token of the end, wherever it is. */
const NOW = "now";

/**
 * Where a follow of a Durable Streams server starts.
 *
 * @throws {StreamError} `protocol` for a number of bytes, which only servers of this project understand.
 */
export function placeOf({ offset, tail, position }: FollowQuery, url: URL): Place {
  if (position !== undefined) return parsePlace(position);
  if (tail === 0 || offset === "now") return { token: NOW, skip: 0 };
  if (tail !== undefined) throw cannot(url, "count bytes from the end");
  if (offset) throw cannot(url, `start at the offset ${offset}: pass the position that an earlier follow has named`);
  return START;
}

/**
 * Whether a server sends an earlier token than the one it was asked for. It does so without bytes while it has not
 * finished an append that it has shown already. From there, the bytes would come twice.
 */
function isBefore(next: string, token: string): boolean {
  // The protocol says that tokens sort as text.
  return token !== START.token && token !== NOW && next < token;
}

/** One follow. */
export class DurableFollow {
  readonly #task: DurableFollowTask;
  readonly #exchange: StreamExchange;
  #place: Place;
  /** Whether the next request waits for new bytes. */
  #isLive = false;
  #cursor: string | undefined;
  #generation: string | undefined;
  #begun = false;
  #isOpen = false;
  #looks = 0;

  /** @throws {StreamError} as {@link placeOf}. */
  constructor(task: DurableFollowTask) {
    this.#task = task;
    this.#exchange = new StreamExchange(task.environment, task.target, task.signal);
    this.#place = placeOf(task.wanted, task.target.url);
    this.#generation = task.wanted.generation;
  }

  /**
   * Yields the bytes, and returns why the stream has ended.
   *
   * @throws {StreamError} when the follow cannot continue.
   */
  async *run(): AsyncGenerator<Uint8Array, EndedReason, void> {
    const { signal, reconnector, report } = this.#task;
    for (;;) {
      signal.throwIfAborted();
      if (!this.#isOpen) report({ state: "connecting" });
      try {
        const end = yield* this.#request();
        if (end !== undefined) return end;
      } catch (error) {
        signal.throwIfAborted();
        this.#isOpen = false;
        await reconnector.lost(StreamError.from(error, "unreachable"));
      }
    }
  }

  /** Sends one request, yields what it brings, and returns why the stream has ended, if it has. */
  async *#request(): AsyncGenerator<Uint8Array, EndedReason | undefined, void> {
    const { token } = this.#place;
    const isLive = this.#isLive;
    const exchange = await this.#exchange.send({
      method: "GET",
      query: { offset: token, ...(isLive && { live: "long-poll", cursor: this.#cursor }) },
      timeoutMs: isLive ? LONG_POLL_MS : SILENCE_MS,
    });
    try {
      const { response } = exchange;
      const { status, headers } = response;
      if (status === 404 || status === 410) return await this.#absent(response);
      if (status !== 200 && status !== 204) throw await this.#exchange.refusal(response, "FOLLOW");
      const next = headers.get(NEXT_OFFSET_HEADER);
      if (next === null) throw notDurable(this.#task.target.url, "its answer has no offset, as for a folder");
      this.#begin(headers);
      const hasBytes = status === 200 && (yield* this.#body(exchange));
      const isBack = !hasBytes && isBefore(next, token);
      const isEnd = isClosed(headers);
      if (!isBack) this.#place = { token: next, skip: 0 };
      this.#move(true);
      if (status === 200 && isLive && !hasBytes && (isBack || next === token)) await this.#notWaited(isBack, headers);
      this.#cursor = headers.get(CURSOR_HEADER) ?? this.#cursor;
      // A server may end a wait when the stream is closed, without the bytes that came with that: a plain read shows it.
      this.#isLive = !isEnd && (isLive || headers.has(UP_TO_DATE_HEADER));
      return isEnd && !isLive ? "complete" : undefined;
    } finally {
      await exchange.end();
    }
  }

  /** Records that the server answers. */
  #begin(headers: Headers): void {
    const { reconnector, report, target } = this.#task;
    const generation = headers.get(GENERATION_HEADER) ?? undefined;
    if (this.#generation !== undefined && generation !== undefined && generation !== this.#generation) {
      const message = `"${target.url.pathname}" has other content now: it does not continue the bytes that were read.`;
      throw new StreamError("replaced", message, { path: target.url.href });
    }
    this.#generation ??= generation;
    this.#begun = true;
    this.#looks = 0;
    reconnector.reached();
    reconnector.opened();
    if (this.#isOpen) return;
    this.#isOpen = true;
    report({ state: "open", transport: "http", live: true, offset: undefined });
  }

  /** Yields the bytes of a response, and returns whether there were any. */
  async *#body(exchange: StreamResponse): AsyncGenerator<Uint8Array, boolean, void> {
    const { reconnector, target } = this.#task;
    const { response, signal } = exchange;
    const lines = essenceOf(response.headers.get("Content-Type") ?? undefined) === "application/json";
    const json = lines ? new JsonLines() : undefined;
    const { token, skip } = this.#place;
    let at = 0;
    try {
      for await (const chunk of chunks(response.body, signal)) {
        const bytes = json ? json.push(chunk) : chunk;
        const fresh = bytes.subarray(Math.min(bytes.length, Math.max(0, skip - at)));
        at += bytes.length;
        if (fresh.length > 0) {
          reconnector.progressed();
          this.#place = { token, skip: at };
          this.#move(false);
          exchange.rest();
          yield fresh;
        }
        exchange.heard();
      }
    } catch (error) {
      throw this.#exchange.broken(error, signal);
    }
    signal.throwIfAborted();
    if (json && !json.isComplete) {
      throw new StreamError("unreachable", `The response for ${placeIn(target.url)} broke off.`, {
        path: target.url.href,
      });
    }
    if (at < skip) {
      const message = `"${target.url.pathname}" has fewer bytes behind the position ${formatPlace({ token, skip })}.`;
      throw new StreamError("range", message, { path: target.url.href });
    }
    return at > 0;
  }

  /**
   * A wait has ended at once, without bytes. A server does so that has shown bytes before it has stored them.
   *
   * @throws {StreamError} `protocol` if it has not understood that it should wait.
   */
  async #notWaited(isBack: boolean, headers: Headers): Promise<void> {
    const isWait = isBack || isClosed(headers) || headers.has(CURSOR_HEADER);
    if (!isWait) throw notDurable(this.#task.target.url, "it does not wait for new bytes");
    await this.#pause(LOOK_FIRST_MS);
  }

  /** The stream does not exist (any more). */
  async #absent(response: Response): Promise<EndedReason | undefined> {
    const { wanted, target, report } = this.#task;
    const refusal = await this.#exchange.refusal(response, "FOLLOW");
    if (response.status === 410 && (await this.#isThere())) {
      const message = `The server keeps the bytes of "${target.url.pathname}" at ${this.#place.token} no longer.`;
      throw new StreamError("gone", message, { path: target.url.href });
    }
    if (this.#begun) return "deleted";
    if (response.status === 410 || !wanted.stay || wanted.position !== undefined) throw refusal;
    // The end of a stream that begins later is its beginning.
    this.#place = START;
    report({ state: "idle", offset: undefined, reason: "unknown" });
    await this.#pause(Math.min(BACKOFF_MAX_MS, LOOK_FIRST_MS * 2 ** this.#looks++));
    return undefined;
  }

  async #isThere(): Promise<boolean> {
    return (await this.#exchange.ask({ method: "HEAD", timeoutMs: SILENCE_MS })).ok;
  }

  #move(isRead: boolean): void {
    this.#task.moved({ position: formatPlace(this.#place), generation: this.#generation, isRead });
  }

  async #pause(longestMs: number): Promise<void> {
    const { environment, signal } = this.#task;
    await sleep(environment.clock, (longestMs * (1 + environment.random())) / 2, signal);
  }
}
