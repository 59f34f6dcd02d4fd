/**
 * What other processes report about a path, until the watch takes it.
 * @module
 */
import type { News } from "../peers/links.ts";
import { atNextTick } from "./ticks.ts";

/** Maximum bytes that are kept for a watch that is slow. Beyond that, they are read from the file. */
const BUFFER_BYTES = 8 * 1024 * 1024;

/** Begins to listen for reports about the path. Call the result to stop. */
export type Listen = (listener: (news: News) => void) => () => void;

/** The reports about one path, in their order. */
export class Inbox {
  readonly #signal: AbortSignal;
  readonly #stop: () => void;
  #news: News[] = [];
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
    const news = this.#news.shift();
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
    if (this.#news.length > 0 || this.#isTick || this.#signal.aborted) return Promise.resolve(this.#takeTick());
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
    this.#news = [];
  }

  #takeTick(): boolean {
    const isTick = this.#isTick;
    this.#isTick = false;
    return isTick;
  }

  #add(news: News): void {
    this.#bytes += news.bytes?.length ?? 0;
    this.#news.push(news);
    if (this.#bytes > BUFFER_BYTES) {
      this.#news = this.#news.map(({ bytes, ...rest }) => rest);
      this.#bytes = 0;
    }
    this.#wake();
  }
}
