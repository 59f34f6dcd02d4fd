/**
 * A follow that does not end with the append: `tail -F` over any number of appends, processes and restarts.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Follow, FollowedContent, FollowListener } from "../follow/follow.ts";
import type { Followable } from "../follow/followable.ts";
import { type FollowEnd, Follower, type Sink } from "../follow/follower.ts";
import type { FollowLease } from "../sessions/follow-lease.ts";
import { Confirmation } from "./confirmation.ts";
import type { PathWatch, Waiter } from "./path-watch.ts";
import { type Present, presentIn, type Situation, type StandingParts, situationAt } from "./situation.ts";
import { storedContent } from "./stored-content.ts";

/** Milliseconds until the next step of a follow that can't find out the situation at its path. */
const PAUSE_MS = 1_000;

/**
 * One standing follow. While there is no append, it waits for a change without a timer, a stream or a follower of its
 * own: there may be thousands of them.
 */
export class StandingFollow implements Follow, Waiter {
  readonly start: number;
  readonly #parts: StandingParts;
  readonly #watch: PathWatch;
  readonly #release: () => void;
  readonly #tells: boolean;
  /** The situation that it begins with; used by the first step. */
  #first: Situation | undefined;
  /** Whether the path did not exist at the start. */
  readonly #wasMissing: boolean;
  #generation: string | undefined;
  #offset: number;
  #follower: Follower | undefined;
  #wake: (nothing?: undefined) => void = () => {};
  /** The last state that the listener got. */
  #said: { readonly offset: number; readonly reason: EndedReason } | undefined;
  /** Whether the last step made no progress and was repeated at once. */
  #isRepeated = false;
  /** Set while the content seems to be gone. */
  #confirmation: Confirmation | undefined;
  #isStopped = false;
  #isLeft = false;
  #isClosed = false;

  /**
   * @param parts The server.
   * @param watch The path; `release` releases it. `tells`: whether to notify the listener of each append that ends.
   * @param first The situation at the path. Its lease is released with the follow.
   * @param start The offset of the first byte; at most the size.
   */
  constructor(
    parts: StandingParts,
    { watch, release, tells }: { watch: PathWatch; release: () => void; tells: boolean },
    first: Situation,
    start: number,
  ) {
    this.#parts = parts;
    this.#watch = watch;
    this.#release = release;
    this.#tells = tells;
    this.#first = first;
    this.start = start;
    this.#offset = start;
    const present = presentIn(first);
    this.#wasMissing = present === undefined;
    this.#generation = present?.generation;
  }

  /** Whether the path does not exist. */
  get isMissing(): boolean {
    return this.#wasMissing && this.#generation === undefined;
  }

  get content(): FollowedContent {
    const lease = this.#first?.lease;
    if (!lease) return this.#first?.look.found ?? { size: 0, generation: "" };
    const { size, generation, type } = lease.source;
    return { size, generation, appending: true, ...(type === undefined ? {} : { type }) };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get offset(): number {
    return this.#follower?.offset ?? this.#offset;
  }

  /** The size of what is followed now, as far as it is known. */
  get tail(): number {
    return this.#follower?.tail ?? this.#offset;
  }

  /** The final size of what is followed now, if that is a stream that is known to be closed. */
  get finalSize(): number | undefined {
    return this.#follower?.finalSize;
  }

  /**
   * Sends every byte from the start on, over all appends. Ends with `complete` when all of a closed stream is sent, with
   * `deleted` or `replaced` when the content is gone, with `restarting` on shutdown, and with `gone` after {@link stop}.
   */
  async run(sink: Sink, listener: FollowListener): Promise<FollowEnd> {
    for (;;) {
      // Thousands of idle follows are suspended here, so this function must retain little.
      const ended = await this.#step(sink, listener);
      if (ended) return ended;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#watch.leave(this);
    this.#follower?.stop();
    this.#wake();
  }

  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#watch.leave(this);
    this.#first?.lease?.leave();
    this.#first = undefined;
    this.#release();
  }

  /** Called when something may have changed at the path. */
  woken(): void {
    this.#wake();
  }

  /** Whether other content ends the follow. A path that did not exist may begin twice, as long as it has no byte. */
  get #isBound(): boolean {
    return !this.#wasMissing || this.offset > 0;
  }

  async #step(sink: Sink, listener: FollowListener): Promise<FollowEnd | undefined> {
    if (this.#isStopped) return "gone";
    const situation = this.#first ?? (await this.#situation());
    if (!situation) return this.#pause(PAUSE_MS);
    this.#first = undefined;
    const { lease, look } = situation;
    try {
      if (this.#isStopped) return "gone";
      const present = presentIn(situation);
      const fate = this.#fateOf(present);
      if (fate) {
        this.#confirmation ??= new Confirmation(this.#parts.registry.store, this.#watch.path);
        const againMs = await this.#confirmation.check(fate);
        if (againMs === undefined) return fate;
        return againMs > 0 ? await this.#pause(Math.min(PAUSE_MS, againMs)) : undefined;
      }
      this.#confirmation = undefined;
      this.#begin(present, listener);
      if (lease) return await this.#follow(sink, lease, listener);
      if (look.found && look.found.size > this.offset) {
        // The next check shows whether it was replaced or deleted meanwhile.
        await this.#run(sink, { source: storedContent(this.#watch.path, look.found) }, listener);
        return undefined;
      }
      if (look.found?.stream?.closed) {
        this.#isClosed = true;
        return "complete";
      }
    } finally {
      lease?.leave();
    }
    // The append that was found may have ended since.
    if (look.found?.appending && this.#repeats()) return undefined;
    this.#isRepeated = false;
    this.#sayIfNew(listener, look.found?.ended);
    return this.#change(situation);
  }

  /** The situation at the path; undefined if the store does not answer. The follow waits until it does. */
  async #situation(): Promise<Situation | undefined> {
    try {
      return await situationAt(this.#watch, this.#parts);
    } catch (error) {
      if (error instanceof StreamError && error.code === "unavailable") return undefined;
      throw error;
    }
  }

  /** How the follow ends because of the present situation; undefined if it continues. */
  #fateOf(present: Present | undefined): "deleted" | "replaced" | undefined {
    if (!this.#isBound) return undefined;
    if (!present) return "deleted";
    // A custom store may lack generations. Then only the size can show a change.
    if (this.#generation && present.generation) {
      return present.generation === this.#generation ? undefined : "replaced";
    }
    return present.size < this.offset ? "replaced" : undefined;
  }

  /** Notes the content that is there now. Notifies the listener if a path that did not exist has begun. */
  #begin(present: Present | undefined, listener: FollowListener): void {
    const before = this.#generation;
    const isBound = this.#isBound;
    this.#generation = (isBound && before) || present?.generation;
    if (!isBound && present && present.generation !== before) listener.started?.(this.offset, present.generation);
  }

  /** Follows an append until it ends. */
  async #follow(sink: Sink, lease: FollowLease, listener: FollowListener): Promise<FollowEnd | undefined> {
    const reason = await this.#run(sink, lease, listener);
    if (reason === undefined || reason === "gone") return reason;
    // Another process may continue the append. On shutdown, the next check is refused.
    if (reason === "restarting") return this.#parts.registry.closing ? reason : undefined;
    if (reason !== "deleted" && reason !== "replaced") this.#say(listener, reason);
    else if (this.#isBound) return reason;
    return undefined;
  }

  /** Runs a follower from the offset on. Undefined if the content changed while it was read: check again. */
  async #run(
    sink: Sink,
    from: FollowLease | { source: Followable },
    { text }: FollowListener,
  ): Promise<FollowEnd | undefined> {
    const { store, limits } = this.#parts.registry;
    const before = this.#offset;
    const follower = new Follower({ store, from, sink, text, limits, offset: before });
    this.#follower = follower;
    try {
      const reason = await follower.run();
      this.#isRepeated = false;
      return reason;
    } catch (error) {
      const isChanged = error instanceof StreamError && error.code === "changed";
      if (isChanged && (follower.offset > before || this.#repeats())) return undefined;
      throw error;
    } finally {
      this.#offset = follower.offset;
      this.#follower = undefined;
    }
  }

  /** Whether a step that made no progress may be repeated at once: only once in a row. */
  #repeats(): boolean {
    this.#isRepeated = !this.#isRepeated;
    return this.#isRepeated;
  }

  #say(listener: FollowListener, reason: EndedReason): void {
    this.#said = { offset: this.#offset, reason };
    if (this.#tells) listener.idle?.(this.#offset, reason);
  }

  /** Reports how the last append ended, unless the listener knows already. */
  #sayIfNew(listener: FollowListener, reason: EndedReason = "unknown"): void {
    const { offset, reason: said } = this.#said ?? {};
    // The record of an append that was followed may be missing.
    if (offset === this.#offset && (reason === said || reason === "unknown")) return;
    this.#say(listener, reason);
  }

  /** Waits until something changes, or {@link stop} is called. */
  #change({ notices, look }: Situation): Promise<undefined> {
    return new Promise((wake) => {
      this.#wake = wake;
      if (this.#isStopped || !this.#watch.join(this, notices, look)) wake(undefined);
    });
  }

  /** Waits for a while, or until {@link stop} is called. */
  #pause(pauseMs: number): Promise<undefined> {
    return new Promise((resume) => {
      const timer = setTimeout(() => resume(undefined), pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resume(undefined);
      };
      if (this.#isStopped) this.#wake();
    });
  }
}
