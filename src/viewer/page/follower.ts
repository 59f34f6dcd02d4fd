/**
 * Follows the path with the worker, and keeps the state of the page up to date.
 * @module
 */
import { endedReasonOf } from "../../protocol/end-reason.ts";
import { BLOCK_BYTES, type Changed, type FollowOrder, type Grown, type WorkerMessage } from "../shared/messages.ts";
import type { Source } from "./bytes/source.ts";
import type { Status } from "./status.ts";
import { startWorker } from "./ui/workers.ts";

/** Milliseconds within which the server says over a WebSocket that there is no append. */
const IDLE_NOTICE_MS = 300;

/** Milliseconds before a follow that failed is tried again. */
const RETRY_MS = 5_000;

/**
 * Milliseconds without a byte over plain HTTP after which the page asks whether the append continues. Each further wait
 * is twice as long, up to the maximum.
 */
const ASK_MS = 2_000;
const MAX_ASK_MS = 64_000;

/** What the follower works with. */
export interface FollowerParts {
  readonly source: Source;
  readonly status: Status;
  /** The size of the path in bytes, as far as the page knows. */
  readonly size: () => number;
  readonly onGrown: (message: Grown) => void;
  /** Called when the content is gone or was replaced. */
  readonly onReplaced: (reason: "deleted" | "replaced") => void;
  /** Called when the server demands a token, or another one. */
  readonly onUnauthorized: (message: string) => void;
}

/** Follows the path, across lost connections, until its content is gone. */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #worker: Worker;
  /** Sets the state to live unless an idle notice comes first. */
  #mayBeLive: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isOverHttp = false;
  #ask: ReturnType<typeof setTimeout> | undefined;
  #askMs = ASK_MS;
  /** Counts the questions whether the append continues. Only the last answer counts. */
  #questions = 0;
  #isOver = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#worker = startWorker("follow");
    this.#worker.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) => {
      if (data.type === "grown") this.#grown(data);
      else this.#changed(data);
    });
    addEventListener("offline", () => {
      this.#expectNothing();
      if (!this.#isOver) parts.status.set("offline");
    });
    addEventListener("online", () => this.#restart());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && parts.status.state === "reconnecting") this.#restart();
    });
  }

  /** Begins to follow, or begins again. */
  start(): void {
    clearTimeout(this.#retry);
    const { source, size } = this.#parts;
    const { token, generation } = source;
    const offset = Math.floor(size() / BLOCK_BYTES) * BLOCK_BYTES;
    const order: FollowOrder = { url: source.url.href, offset, generation, token, transport: "websocket" };
    this.#worker.postMessage(order);
  }

  #restart(): void {
    if (!this.#isOver) this.start();
  }

  #grown(message: Grown): void {
    const { source, status, size, onGrown } = this.#parts;
    source.generation ??= message.generation;
    // The follow begins at a block, so its first bytes may be known.
    const isNew = message.size > size();
    onGrown(message);
    if (!isNew) return;
    this.#expectNothing();
    status.heard();
    if (this.#isOverHttp) this.#askLater(ASK_MS);
  }

  #changed({ state, reason, delayMs, message }: Changed): void {
    const { status, size } = this.#parts;
    this.#expectNothing();
    status.showDelay(state === "retrying" ? delayMs : 0);
    if (state === "open") {
      this.#isOverHttp = reason === "http";
      if (this.#isOverHttp) void this.#askWhetherLive();
      else this.#mayBeLive = setTimeout(() => status.set("live"), IDLE_NOTICE_MS);
    } else if (state === "idle") {
      status.set(size() === 0 && reason === "unknown" ? "waiting" : endedReasonOf(reason));
    } else if (state === "retrying") status.set(navigator.onLine ? "reconnecting" : "offline");
    else if (state === "ended") this.#ended(reason);
    else if (state === "failed") this.#failed(reason, message);
  }

  /** Cancels what waits for news of the append, because there is some. */
  #expectNothing(): void {
    clearTimeout(this.#mayBeLive);
    clearTimeout(this.#ask);
    this.#questions++;
  }

  #askLater(milliseconds: number): void {
    this.#askMs = milliseconds;
    this.#ask = setTimeout(() => void this.#askWhetherLive(), milliseconds);
  }

  /** Asks whether an append is under way. Over plain HTTP, a follow does not tell. */
  async #askWhetherLive(): Promise<void> {
    const question = ++this.#questions;
    const { source, status } = this.#parts;
    const response = await source.request(source.with({ raw: "" }), { method: "HEAD" }).catch(() => undefined);
    if (question !== this.#questions) return;
    const appending = response?.headers.get("Stream-Appending");
    if (response?.status === 404) status.set("waiting");
    else if (appending === "?0") status.set(endedReasonOf(response?.headers.get("Stream-Ended")));
    else {
      if (appending === "?1" && status.state !== "quiet" && status.state !== "live") status.set("live");
      this.#askLater(Math.min(MAX_ASK_MS, this.#askMs * 2));
    }
  }

  #ended(reason: string): void {
    const { status, onReplaced } = this.#parts;
    this.#isOver = true;
    if (reason === "deleted" || reason === "replaced") onReplaced(reason);
    else status.set(endedReasonOf(reason));
  }

  #failed(code: string, message: string): void {
    const { status, onReplaced, onUnauthorized } = this.#parts;
    if (code === "replaced" || code === "range") {
      this.#isOver = true;
      onReplaced("replaced");
    } else if (code === "unauthorized") onUnauthorized(message);
    else if (code === "forbidden" || code === "gone") status.set("refused", message);
    else {
      status.set("broken", message);
      this.#retry = setTimeout(() => this.start(), RETRY_MS);
    }
  }
}
