/**
 * Keeps what other processes report about a path until the watch takes it.
 * @module
 */
import type { News } from "../peers/links.ts";
import { atNextTick } from "./ticks.ts";

/** Maximum bytes that are kept for a slow watch. Beyond that, it reads the file. */
const BUFFER_BYTES = 8 * 1024 * 1024;

/** Maximum number of reports that are kept for a slow watch. Beyond that, only the last reports of growth are kept. */
const MAX_NEWS = 4_096;

/** Begins to listen for reports about the path. Call the result to stop. */
export type Listen = (listener: (news: News) => void) => () => void;

/** The reports about one path, in their order. */
export class Inbox {
  readonly #signal: AbortSignal;
  readonly #stop: () => void;
  #news: News[] = [];
  /** Earlier reports, the next one last. */
  #next: News[] = [];
  /** How many may wait now. */
  #mayWait = MAX_NEWS;
  #bytes = 0;
  #wake: () => void = () => {};
  #isTick = false;
  #cancelTick: (() => void) | undefined;

  /** @param signal Ends all waits. */
  constructor(listen: Listen | undefined, signal: AbortSignal) {
    this.#signal = signal;
    this.#stop = listen?.((news) => this.#add(news)) ?? (() => {});
  }

  /** Takes the next report, without waiting for one. */
  take(): News | undefined {
    if (this.#next.length === 0) [this.#next, this.#news] = [this.#news.reverse(), []];
    const news = this.#next.pop();
    this.#bytes -= news?.bytes?.length ?? 0;
    return news;
  }

  /** Waits for a report, for the next tick, or until the signal aborts. Resolves to whether a tick has come. */
  wait(): Promise<boolean> {
    this.#cancelTick ??= atNextTick(() => {
      this.#cancelTick = undefined;
      this.#isTick = true;
      this.#wake();
    });
    if (this.#waiting > 0 || this.#isTick || this.#signal.aborted) return Promise.resolve(this.#takeTick());
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = () => {};
        this.#signal.removeEventListener("abort", wake);
        resolve(this.#takeTick());
      };
      this.#wake = wake;
      this.#signal.addEventListener("abort", wake);
    });
  }

  /** Stops listening. */
  close(): void {
    this.#stop();
    this.#cancelTick?.();
    this.#keep([]);
  }

  #takeTick(): boolean {
    const isTick = this.#isTick;
    this.#isTick = false;
    return isTick;
  }

  #add(news: News): void {
    this.#bytes += news.bytes?.length ?? 0;
    this.#news.push(news);
    if (this.#bytes > BUFFER_BYTES || this.#waiting > this.#mayWait) {
      this.#keep(lastGrowth([...this.#next.reverse(), ...this.#news]));
    }
    this.#wake();
  }

  get #waiting(): number {
    return this.#next.length + this.#news.length;
  }

  /** Replaces all waiting reports by reports without bytes. */
  #keep(news: News[]): void {
    this.#news = news;
    this.#next = [];
    this.#bytes = 0;
    this.#mayWait = Math.max(MAX_NEWS, 2 * news.length);
  }
}

/**
 * Omits growth that is followed by more growth of the same append, and all bytes: one read of the file returns them
 * all.
 */
function lastGrowth(news: readonly News[]): News[] {
  const grown = new Set<string>();
  const left: News[] = [];
  for (const { bytes, ...rest } of news.toReversed()) {
    const { type, from } = rest;
    if (type === "grown" && grown.has(from)) continue;
    if (type === "grown") grown.add(from);
    else grown.delete(from);
    left.push(rest);
  }
  return left.reverse();
}
