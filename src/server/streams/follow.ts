/**
 * A follow in this process: from the store and the live set into a stream.
 * @module
 */
import type { Follow } from "../../engine/follow/follow.ts";
import type { FollowEnd, Sink } from "../../engine/follow/follower.ts";
import type { Frame } from "../../engine/follow/frame.ts";
import { LeasedFollow } from "../../engine/sessions/leased-follow.ts";
import { storedContent } from "../../engine/standing/stored-content.ts";
import { lookAgain } from "../../engine/storage/look-again.ts";
import type { EndedReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { resolveStart, type Start } from "../../protocol/offset.ts";
import { callUser } from "../../support/callback.ts";
import { LogSpan } from "../service/log-span.ts";
import { openFollow } from "../service/open-follow.ts";
import type { Service } from "../service/service.ts";
import { aborted } from "./aborted.ts";
import type { LocalFollowEnd, LocalFollowSource } from "./follow-stream.ts";
import { checkBytes, checkFlags, checkNames, isSignal } from "./option-names.ts";

/** Options of {@link Streams.follow}. All are optional. */
export interface LocalFollowOptions {
  /** The offset of the first byte, or `"now"` for new bytes only. Default: the first byte. */
  offset?: number | "now";
  /** Start this many bytes before the current end. */
  tail?: number;
  /** The generation that the content must have. Default: any. */
  generation?: string;
  /**
   * Whether to continue when the append ends, and wait for the next one, as `tail -F` does. The path need not exist. The stream
   * then closes only when the resource is `deleted` or `replaced`. Default false.
   */
  stay?: boolean;
  /** With `stay`: called when everything was sent and no append is under way. It may be async, and its errors are ignored. */
  onIdle?: (idle: LocalFollowEnd) => unknown;
  /** Ends the stream with the error `aborted`. */
  signal?: AbortSignal;
}

/** Bytes of the largest chunk that is put together from smaller ones. */
const MERGED_BYTES = 64 * 1024;

/** One follow. It begins at once, before the stream is read. */
export class LocalFollow implements LocalFollowSource, Sink {
  readonly ended: Promise<LocalFollowEnd>;
  offset: number | undefined;
  generation: string | undefined;
  /** Bytes that wait for the reader. */
  pending = 0;
  readonly #service: Service;
  readonly #path: string;
  readonly #options: LocalFollowOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #frames: Frame[] = [];
  readonly #onAbort = (): void => {
    const error = aborted(this.#signal, this.#path);
    this.#leave(error);
    this.#controller?.error(error);
  };
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #followed: Follow | undefined;
  /** Set when no more bytes come: how the append ended, or the error of the stream. */
  #outcome: EndedReason | StreamError | undefined;
  #onFrame: () => void = () => {};
  #onDrained: { bytes: number; wake: () => void } | undefined;
  #resolveEnded: (end: LocalFollowEnd) => void = () => {};
  #rejectEnded: (error: StreamError) => void = () => {};

  constructor(service: Service, path: string, options: LocalFollowOptions) {
    this.#service = service;
    this.#path = path;
    this.#options = options;
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve;
      this.#rejectEnded = reject;
    });
    // A caller that ignores `ended` still learns of a failure from the stream.
    this.ended.catch(() => {});
    // An unknown option is refused when the follow begins.
    const given: unknown = (options as LocalFollowOptions | null)?.signal;
    this.#signal = isSignal(given) ? given : undefined;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    if (this.#signal?.aborted) this.#onAbort();
    else void this.#run();
  }

  send(frame: Frame): void {
    if (this.#outcome) return;
    this.#frames.push(frame);
    this.pending += frame.bytes.length;
    this.#onFrame();
  }

  drained(bytes: number): Promise<void> {
    if (this.pending <= bytes || this.#outcome) return Promise.resolve();
    return new Promise((wake) => {
      this.#onDrained = { bytes, wake };
    });
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#frames.length === 0 && this.#outcome === undefined) {
      await new Promise<void>((wake) => {
        this.#onFrame = wake;
      });
    }
    const bytes = this.#take();
    if (bytes) {
      this.offset = (this.offset ?? 0) + bytes.length;
      controller.enqueue(bytes);
      return;
    }
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#outcome instanceof StreamError) {
      controller.error(this.#outcome);
      this.#rejectEnded(this.#outcome);
    } else if (this.#outcome) {
      controller.close();
      this.#resolveEnded({ reason: this.#outcome, offset: this.offset ?? 0 });
    }
  }

  cancel(reason: unknown): void {
    const error = new StreamError("aborted", `The reader of "/${this.#path}" has left.`, {
      path: this.#path,
      cause: reason,
    });
    this.#leave(error);
  }

  /** Ends the follow without the bytes that wait. */
  #leave(error: StreamError): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#frames.length = 0;
    this.pending = 0;
    this.#finish(error);
    this.#followed?.stop();
    this.#rejectEnded(error);
  }

  /** Ends the stream after the bytes that wait. First outcome wins. */
  #finish(outcome: EndedReason | StreamError): void {
    this.#outcome ??= outcome;
    this.#onFrame();
    this.#onDrained?.wake();
  }

  async #run(): Promise<void> {
    try {
      const { follow, ended } = await lookAgain(this.#service.store, () => this.#open());
      await this.#follow(follow, ended);
    } catch (error) {
      const failure = StreamError.from(error, "storage");
      this.#service.reporter.failedIfFault(this.#path, failure);
      this.#finish(failure);
    }
  }

  /** Opens the follow; with how the append ended, if it has ended before. */
  async #open(): Promise<{ readonly follow: Follow; readonly ended?: EndedReason }> {
    const start = startOf(this.#options);
    const { generation, stay = false } = this.#options;
    const { follow, stored } = await openFollow(this.#service, this.#path, { start, generation, stay });
    if (follow) return { follow };
    if (!stored) throw new StreamError("not_found", `"/${this.#path}" does not exist.`, { path: this.#path });
    checkGeneration(this.#path, generation, stored.generation);
    const lease = { source: storedContent(this.#path, stored), leave: () => {} };
    const started = new LeasedFollow(lease, resolveStart(start, stored.size), this.#service);
    return { follow: started, ended: stored.ended ?? "unknown" };
  }

  /** @param ended How the append ended, if it has ended before. */
  async #follow(follow: Follow, ended?: EndedReason): Promise<void> {
    const { registry } = this.#service;
    try {
      this.offset = follow.start;
      this.generation = follow.content.generation || undefined;
      this.#followed = follow;
      if (this.#outcome) return;
      let run: Promise<void> | undefined;
      const forget = registry.onClose(async () => {
        follow.stop();
        await run?.catch(() => {});
      });
      run = this.#spanned(follow, ended);
      await run.finally(forget);
    } finally {
      follow.leave();
    }
  }

  async #spanned(follow: Follow, ended: EndedReason | undefined): Promise<void> {
    const how = { type: "follow", transport: "local", offset: follow.start } as const;
    const span = new LogSpan(this.#service, { path: this.#path }, how, () => follow.offset);
    const { onIdle } = this.#options;
    try {
      const end = await follow.run(this, {
        text: false,
        started: (_offset, generation) => {
          this.generation = generation;
        },
        idle: (offset, reason) => callUser("onIdle", onIdle, { offset, reason }),
      });
      const isClosing = end === "gone" && this.#service.registry.closing;
      const known = end === "complete" ? (ended ?? end) : end;
      span.end(follow.offset, isClosing ? "restarting" : known);
      this.#finish(this.#outcomeOf(isClosing ? "restarting" : end, ended));
    } catch (error) {
      const failure = StreamError.from(error, "storage");
      span.end(follow.offset, failure.code, failure);
      throw failure;
    }
  }

  #outcomeOf(end: FollowEnd, ended: EndedReason | undefined): EndedReason | StreamError {
    if (end === "gone") return aborted(undefined, this.#path);
    if (end !== "restarting") return ended ?? end;
    const message = `The server is shutting down. Follow "/${this.#path}" again later, from the offset that was reached.`;
    return new StreamError("restarting", message, { path: this.#path });
  }

  /** Takes the next bytes for the reader, which may change them: other followers get the same frames. */
  #take(): Uint8Array | undefined {
    let count = 0;
    let length = 0;
    while (count < this.#frames.length && (count === 0 || length < MERGED_BYTES)) {
      length += (this.#frames[count++] as Frame).bytes.length;
    }
    if (count === 0) return undefined;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const frame of this.#frames.splice(0, count)) {
      bytes.set(frame.bytes, at);
      at += frame.bytes.length;
    }
    this.pending -= length;
    if (this.#onDrained && this.pending <= this.#onDrained.bytes) {
      this.#onDrained.wake();
      this.#onDrained = undefined;
    }
    return bytes;
  }
}

/** @throws {StreamError} `bad_request` for an invalid start. */
function startOf(options: LocalFollowOptions): Start {
  const names = { offset: true, tail: true, generation: true, stay: true, onIdle: true, signal: true } as const;
  checkNames(options, names, "follow");
  const { offset, tail, stay } = options;
  checkBytes({ offset: offset === "now" ? undefined : offset, tail }, "follow");
  checkFlags({ stay }, "follow");
  if (offset !== undefined && tail !== undefined) {
    throw new StreamError("bad_request", 'Give "offset" or "tail", not both.');
  }
  if (tail !== undefined) return { tail };
  return offset === "now" ? "now" : { offset: offset ?? 0 };
}
