/**
 * One follow over as many connections as it takes: every byte once, in order.
 * @module
 */

import type { EndedReason } from "../../protocol/end-reason.ts";
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { broken } from "../connection/failure.ts";
import { withVerb } from "../connection/target.ts";
import { followResponse } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { followSocket } from "./socket.ts";
import type { FollowBytes, FollowOutcome, FollowTask } from "./task.ts";

/** Statuses of proxies that let no upgrade through. */
const NO_UPGRADES: ReadonlySet<number> = new Set([400, 403, 405, 426, 501, 502]);

/** How to follow. */
export interface FollowingOptions {
  readonly transport: "websocket" | "http";
  /** Whether connections are made again. */
  readonly retries: boolean;
}

/** Chooses and changes connections. */
export class Following {
  readonly #task: FollowTask;
  readonly #retries: boolean;
  #transport: "websocket" | "http";
  /** Whether WebSockets get through. */
  #upgrades = false;
  /** Whether the last response ended without bytes and without saying that there will be none. */
  #idle = false;
  /** Why a WebSocket could not go on; worth more than the refusal of a server that can't follow over HTTP. */
  #stopped: StreamError | undefined;

  constructor(task: FollowTask, { transport, retries }: FollowingOptions) {
    this.#task = task;
    this.#transport = transport;
    this.#retries = retries;
  }

  /**
   * The bytes, and how it ended.
   *
   * @throws {StreamError} when it can't go on.
   */
  async *run(): AsyncGenerator<Uint8Array, EndedReason, void> {
    for (;;) {
      const outcome = yield* this.#connection();
      if (outcome.type === "ended") return outcome.reason;
      if (outcome.type === "turn" && !this.#retries) return "unknown";
      const error = this.#obstacle(outcome);
      if (!error) continue;
      if (!this.#task.position.isKnown) throw error;
      await this.#task.reconnector.lost(error);
    }
  }

  async *#connection(): FollowBytes {
    const { report, target, signal } = this.#task;
    signal.throwIfAborted();
    report({ state: "connecting" });
    try {
      const inbox = new Inbox();
      const answer = await this.#ask(inbox);
      if (answer instanceof Response) return yield* followResponse(this.#task, answer);
      inbox.attach(answer);
      return yield* followSocket(this.#task, inbox, answer);
    } catch (error) {
      return { type: "lost", error: broken(error, target.url) };
    }
  }

  /** What is in the way of the next connection; nothing where it may be made at once. */
  #obstacle(outcome: Exclude<FollowOutcome, { type: "ended" }>): StreamError | undefined {
    const { position, target } = this.#task;
    if (outcome.type === "http") {
      this.#transport = "http";
      this.#stopped = outcome.error;
      return position.isKnown ? undefined : outcome.error;
    }
    if (outcome.type === "turn") {
      const idle = this.#idle && !outcome.progressed;
      this.#idle = !outcome.progressed;
      const message = "The response ended, though somebody is still appending.";
      return idle ? new StreamError("unreachable", message, { path: target.url.href }) : undefined;
    }
    const { error } = outcome;
    const isOwn = error.code === "range" || error.code === "replaced";
    return error.status < 500 && this.#stopped && !isOwn ? this.#stopped : error;
  }

  async #ask(inbox: Inbox): ReturnType<FollowTask["environment"]["connect"]> {
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
      if (this.#upgrades || !mayBeProxy(answer)) return this.#without(answer);
      await answer.body?.cancel();
      return this.#without(await this.#fetch());
    } catch (error) {
      if (this.#upgrades || signal.aborted) throw error;
      // Something between here and the server may let plain requests through, but no upgrades.
      const response = await this.#fetch().catch(() => {
        throw error;
      });
      return this.#without(response);
    }
  }

  /** A response where a WebSocket was asked for. A body that goes on means that none will come. */
  #without(response: Response): Response {
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
  return NO_UPGRADES.has(status) && !headers.has(ERROR_HEADER);
}
