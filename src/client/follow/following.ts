/**
 * One follow across any number of connections: delivers every byte once, in order.
 * @module
 */

import type { EndedReason } from "../../protocol/end-reason.ts";
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { broken } from "../connection/failure.ts";
import { BACKOFF_MAX_MS } from "../connection/limits.ts";
import { withVerb } from "../connection/target.ts";
import { TokenLapse } from "../connection/token-lapse.ts";
import { isDurableOnly, maybeDurableOnly, refusesNumbers } from "../durable/discovery.ts";
import { sleep } from "../retry/reconnector.ts";
import { durableFollow } from "./durable.ts";
import { followResponse } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { followSocket } from "./socket.ts";
import type { FollowBytes, FollowOutcome, FollowTask } from "./task.ts";

/** Statuses with which proxies reject an upgrade. */
const UPGRADE_REFUSALS: ReadonlySet<number> = new Set([400, 403, 405, 426, 501, 502]);

/** Upper bound of the delay before an old server is asked again for the first time, in milliseconds. */
const POLL_FIRST_MS = 1_000;

/** Options of a {@link Following}. */
export interface FollowingOptions {
  readonly transport: "websocket" | "http";
  /** Whether to reconnect. */
  readonly retries: boolean;
  /** Whether to ask again after the end of an append. */
  readonly stays: boolean;
}

/** Chooses the transport and replaces connections that end. */
export class Following {
  readonly #task: FollowTask;
  readonly #retries: boolean;
  readonly #stays: boolean;
  #transport: "websocket" | "http";
  /** Whether a WebSocket has ever been opened. If so, upgrades are not blocked. */
  #upgrades = false;
  /** Whether the last response ended without bytes while the append was still open. */
  #wasIdle = false;
  /**
   * Why the WebSocket could not continue. This error is more informative than the refusal of a server that cannot
   * follow over HTTP.
   */
  #socketError: StreamError | undefined;

  /** Number of times in a row that an old server was asked again and had no bytes. */
  #polls = 0;
  /** The offset at which it was asked last. */
  #polledAt: number | undefined;

  constructor(task: FollowTask, { transport, retries, stays }: FollowingOptions) {
    this.#task = task;
    this.#transport = transport;
    this.#retries = retries;
    this.#stays = stays;
  }

  /**
   * Yields the bytes and returns the reason for the end.
   *
   * @throws {StreamError} when the follow cannot continue.
   */
  async *run(): AsyncGenerator<Uint8Array, EndedReason, void> {
    for (;;) {
      const outcome = yield* this.#connection();
      if (outcome.type === "durable") return yield* durableFollow(this.#task).run();
      if (outcome.type === "ended") {
        if (outcome.isFinal || !this.#staysAfter(outcome.reason)) return outcome.reason;
        await this.#poll(outcome.reason);
        continue;
      }
      if (outcome.type === "turn" && !this.#retries) return "unknown";
      const error = this.#blockingError(outcome);
      if (!error) continue;
      if (!this.#task.position.isKnown) throw error;
      await this.#task.reconnector.lost(error);
    }
  }

  /** Whether the follow continues after an end that only a server reports that does not know `stay`. */
  #staysAfter(reason: EndedReason): boolean {
    const { position } = this.#task;
    return this.#stays && reason !== "deleted" && reason !== "replaced" && position.next !== undefined;
  }

  /** Waits before an old server is asked again. */
  async #poll(reason: EndedReason): Promise<void> {
    const { report, position, environment, signal } = this.#task;
    this.#polls = position.next === this.#polledAt ? this.#polls + 1 : 0;
    this.#polledAt = position.next;
    report({ state: "idle", offset: position.next, reason });
    const longestMs = Math.min(BACKOFF_MAX_MS, POLL_FIRST_MS * 2 ** this.#polls);
    await sleep(environment.clock, (longestMs * (1 + environment.random())) / 2, signal);
  }

  async *#connection(): FollowBytes {
    const { report, target, signal } = this.#task;
    signal.throwIfAborted();
    report({ state: "connecting" });
    try {
      const inbox = new Inbox();
      const answer = await this.#request(inbox);
      if (answer instanceof Response && (await this.#isDurable(answer))) {
        await answer.body?.cancel();
        return { type: "durable" };
      }
      if (answer instanceof Response) return yield* followResponse(this.#task, answer);
      inbox.attach(answer);
      return yield* followSocket(this.#task, inbox, answer);
    } catch (error) {
      return { type: "lost", error: broken(error, target.url) };
    }
  }

  /** Whether a Durable Streams server has answered. Asks again if the answer does not show it. */
  async #isDurable(answer: Response): Promise<boolean> {
    const { position, environment, target, signal } = this.#task;
    // Bytes of another protocol have been read, and their number means nothing to such a server.
    if (position.begun) return false;
    if (isDurableOnly(answer)) return true;
    if (maybeDurableOnly(answer)) return this.#stays && showsDurable(answer);
    return position.next !== undefined ? await refusesNumbers(answer, environment, target, signal) : false;
  }

  /** The error that prevents the next connection, or undefined if the follow may reconnect at once. */
  #blockingError(outcome: Exclude<FollowOutcome, { type: "ended" | "durable" }>): StreamError | undefined {
    const { position, target } = this.#task;
    if (outcome.type === "http") {
      this.#transport = "http";
      this.#socketError = outcome.error;
      return position.isKnown ? undefined : outcome.error;
    }
    if (outcome.type === "turn") {
      const idle = this.#wasIdle && !outcome.progressed;
      this.#wasIdle = !outcome.progressed;
      const message = "The response ended, but the append continues.";
      return idle ? new StreamError("unreachable", message, { path: target.url.href }) : undefined;
    }
    const { error } = outcome;
    const isOwn = error.code === "range" || error.code === "replaced";
    return error.status < 500 && this.#socketError && !isOwn ? this.#socketError : error;
  }

  async #request(inbox: Inbox): ReturnType<FollowTask["environment"]["connect"]> {
    if (this.#transport === "http") return await this.#fetch();
    const { environment, target, position, reconnector, signal } = this.#task;
    const url = withVerb(target.url, "FOLLOW", position.start);
    const { headers } = target;
    const request = { url, headers, signal, protocol: PROTOCOL };
    try {
      const answer = await environment.connect(request, inbox);
      if (!(answer instanceof Response)) {
        reconnector.reached();
        this.#upgrades = true;
        return answer;
      }
      if (this.#upgrades || !mayBeProxy(answer)) return this.#preferHttpIfLive(answer);
      await answer.body?.cancel();
      return this.#preferHttpIfLive(await this.#fetch());
    } catch (error) {
      if (this.#upgrades || signal.aborted || error instanceof TokenLapse) throw error;
      // An intermediary may pass plain requests but block upgrades.
      const response = await this.#fetch().catch(() => {
        throw error;
      });
      return this.#preferHttpIfLive(response);
    }
  }

  /**
   * Handles a response to a WebSocket request. A 200 without `Content-Length` is a live body, so the follow stays on
   * HTTP.
   */
  #preferHttpIfLive(response: Response): Response {
    if (response.status === 200 && !response.headers.has("Content-Length")) this.#transport = "http";
    return response;
  }

  #fetch(): Promise<Response> {
    const { environment, target, position, signal } = this.#task;
    const url = withVerb(target.url, "FOLLOW", position.start);
    return environment.fetch(url, { headers: target.headers, signal, cache: "no-store" });
  }
}

function mayBeProxy({ status, headers }: Response): boolean {
  return UPGRADE_REFUSALS.has(status) && !headers.has(ERROR_HEADER);
}

/** Whether a response without bytes lists the headers of Durable Streams, as those do that browsers may read. */
function showsDurable({ headers }: Response): boolean {
  return headers.get("Access-Control-Expose-Headers")?.toLowerCase().includes("stream-next-offset") === true;
}
