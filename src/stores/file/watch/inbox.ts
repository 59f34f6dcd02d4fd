/**
 * Keeps what other processes report about a path until the watch takes it.
 * @module
 */
import type { PeerReport } from "../peers/links.ts";
import { atNextTick } from "./ticks.ts";

/** Maximum bytes that are kept for a slow watch. Beyond that, it reads the file. */
const BUFFER_BYTES = 8 * 1024 * 1024;

/** Maximum number of reports that are kept for a slow watch. Beyond that, only the last reports of growth are kept. */
const MAX_REPORTS = 4_096;

/** Begins to listen for reports about the path. Call the result to stop. */
export type Listen = (listener: (report: PeerReport) => void) => () => void;

/** The reports about one path, in their order. */
export class Inbox {
  readonly #signal: AbortSignal;
  readonly #stop: () => void;
  #reports: PeerReport[] = [];
  /** Earlier reports, the next one last. */
  #next: PeerReport[] = [];
  /** How many may wait now. */
  #mayWait = MAX_REPORTS;
  #bytes = 0;
  #wake: () => void = () => {};
  #isTick = false;
  #cancelTick: (() => void) | undefined;

  /** @param signal Ends all waits. */
  constructor(listen: Listen | undefined, signal: AbortSignal) {
    this.#signal = signal;
    this.#stop = listen?.((report) => this.#add(report)) ?? (() => {});
  }

  /** Takes the next report, without waiting for one. */
  take(): PeerReport | undefined {
    if (this.#next.length === 0) [this.#next, this.#reports] = [this.#reports.reverse(), []];
    const report = this.#next.pop();
    this.#bytes -= report?.bytes?.length ?? 0;
    return report;
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

  #add(report: PeerReport): void {
    this.#bytes += report.bytes?.length ?? 0;
    this.#reports.push(report);
    if (this.#bytes > BUFFER_BYTES || this.#waiting > this.#mayWait) {
      this.#keep(lastGrowth([...this.#next.reverse(), ...this.#reports]));
    }
    this.#wake();
  }

  get #waiting(): number {
    return this.#next.length + this.#reports.length;
  }

  /** Replaces all waiting reports by reports without bytes. */
  #keep(reports: PeerReport[]): void {
    this.#reports = reports;
    this.#next = [];
    this.#bytes = 0;
    this.#mayWait = Math.max(MAX_REPORTS, 2 * reports.length);
  }
}

/**
 * Omits growth that is followed by more growth of the same append, and all bytes: one read of the file returns them
 * all.
 */
function lastGrowth(reports: readonly PeerReport[]): PeerReport[] {
  const grown = new Set<string>();
  const left: PeerReport[] = [];
  for (const { bytes, ...rest } of reports.toReversed()) {
    const { type, from } = rest;
    if (type === "grown" && grown.has(from)) continue;
    if (type === "grown") grown.add(from);
    else grown.delete(from);
    left.push(rest);
  }
  return left.reverse();
}
