/**
 * The delay of the event loop, where the runtime measures it.
 * @module
 */
import type { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds between two measurements. */
const RESOLUTION_MS = 10;

/** Seconds that the runtime adds to each delay: Node reports the whole time between two measurements. */
const ADDED_SECONDS = "Deno" in globalThis || "Bun" in globalThis ? 0 : RESOLUTION_MS / 1000;

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

/** Measures the delay of the event loop. */
export class LoopDelay {
  readonly #histogram: Histogram;

  private constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  /** Begins to measure; undefined where the runtime can't. */
  static async start(): Promise<LoopDelay | undefined> {
    try {
      const { monitorEventLoopDelay } = await import("node:perf_hooks");
      const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      histogram.enable();
      return new LoopDelay(histogram);
    } catch {
      return undefined;
    }
  }

  /** Returns the seconds that some shares of the measurements since the last call did not exceed, by share. */
  take(shares: readonly number[]): Map<number, number> {
    const seconds = (share: number): number =>
      Math.max(0, this.#histogram.percentile(share * 100) / 1e9 - ADDED_SECONDS);
    const taken = new Map(shares.map((share) => [share, seconds(share)] as const));
    this.#histogram.reset();
    return taken;
  }

  /** Stops measuring. */
  stop(): void {
    this.#histogram.disable();
  }
}
