/**
 * Follows the path with the worker.
 * @module
 */
import { BLOCK_BYTES, type Changed, type FollowOrder, type Grown, type WorkerMessage } from "../shared/messages.ts";
import type { Source } from "./bytes/source.ts";
import { type Status, stateOf } from "./status.ts";
import { startWorker } from "./ui/workers.ts";

/** Milliseconds in which a server says that nothing is appended. */
const IDLE_NOTICE_MS = 300;

/** Milliseconds before a follow that failed is tried again. */
const AGAIN_MS = 5_000;

/** What the follower works with. */
export interface FollowerParts {
  readonly source: Source;
  readonly status: Status;
  /** The end of what is known. */
  readonly size: () => number;
  readonly onGrown: (message: Grown) => void;
  /** The content is gone, or another one. */
  readonly onReplaced: (reason: "deleted" | "replaced") => void;
  /** The token is missing or has expired. */
  readonly onUnauthorized: (message: string) => void;
}

/** Follows the path. */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #worker: Worker;
  #mayBeLive: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#worker = startWorker("follow");
    this.#worker.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) => {
      if (data.type === "grown") this.#grown(data);
      else this.#changed(data);
    });
    addEventListener("offline", () => {
      clearTimeout(this.#mayBeLive);
      if (!this.#isOver) parts.status.set("offline");
    });
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && parts.status.state === "reconnecting") this.#wake();
    });
  }

  /** Begins to follow, or begins again. */
  start(): void {
    clearTimeout(this.#again);
    const { source, size } = this.#parts;
    const { token, generation } = source;
    const offset = Math.floor(size() / BLOCK_BYTES) * BLOCK_BYTES;
    const order: FollowOrder = { url: source.url.href, offset, generation, token, transport: "websocket" };
    this.#worker.postMessage(order);
  }

  #wake(): void {
    if (!this.#isOver) this.start();
  }

  #grown(message: Grown): void {
    const { source, status, size, onGrown } = this.#parts;
    source.generation ??= message.generation;
    // The follow begins a little before the end of what is known.
    const isNew = message.size > size();
    onGrown(message);
    if (!isNew) return;
    clearTimeout(this.#mayBeLive);
    status.heard();
  }

  #changed({ state, reason, delayMs, message }: Changed): void {
    const { status, size } = this.#parts;
    clearTimeout(this.#mayBeLive);
    if (state === "open") {
      status.countdown(0);
      if (reason === "http") void this.#askWhetherLive();
      else this.#mayBeLive = setTimeout(() => status.set("live"), IDLE_NOTICE_MS);
    } else if (state === "idle") {
      status.countdown(0);
      status.set(size() === 0 && reason === "unknown" ? "waiting" : stateOf(reason));
    } else if (state === "retrying") {
      status.set(navigator.onLine ? "reconnecting" : "offline");
      status.countdown(delayMs);
    } else if (state === "ended") this.#ended(reason);
    else if (state === "failed") this.#failed(reason, message);
  }

  /** Over plain HTTP the server does not say that nothing is appended. */
  async #askWhetherLive(): Promise<void> {
    const { source, status } = this.#parts;
    const response = await source.request(source.with({ raw: "" }), { method: "HEAD" }).catch(() => undefined);
    const { headers } = response ?? {};
    if (headers?.get("Stream-Appending") !== "?0") status.set(response?.status === 404 ? "waiting" : "live");
    else status.set(stateOf(headers.get("Stream-Ended") ?? ""));
  }

  #ended(reason: string): void {
    const { status, onReplaced } = this.#parts;
    if (reason === "deleted" || reason === "replaced") {
      this.#isOver = true;
      onReplaced(reason);
    } else {
      this.#isOver = true;
      status.set(stateOf(reason));
    }
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
      this.#again = setTimeout(() => this.start(), AGAIN_MS);
    }
  }
}
