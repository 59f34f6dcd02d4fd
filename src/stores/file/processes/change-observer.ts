/**
 * Observes files that other processes touch, and measures how long each file has been unchanged.
 *
 * Clocks of two processes are never compared: they differ between machines, and any of them may be set at any time. A
 * file's times and inode are compared only with those of the previous check. The time between two checks is measured on
 * this process's own monotonic clock.
 * @module
 */
import { stat } from "node:fs/promises";
import { clearInterval, setInterval } from "node:timers";
import { isMissing } from "../folders/errors.ts";

/** Milliseconds after which a missing file is forgotten. */
const MISSING_MS = 60_000;

/** What this process has observed of a file. */
export interface Observation {
  /** Milliseconds for which this process has seen the file unchanged; 0 at the first check. */
  readonly quietMs: number;
  /** Whether this process has seen the file change. */
  readonly hasChanged: boolean;
  /** Whether the file was missing at the last check. */
  readonly isMissing: boolean;
}

/** How to observe files. */
export interface ObserverOptions {
  /**
   * Maximum milliseconds between two checks that count as quiet. A process that was stopped for longer has observed nothing
   * meanwhile, and the processes that it observes may have been stopped with it, as in a paused container.
   */
  readonly creditMs: number;
  /** Milliseconds between two automatic checks. Default: no automatic checks. */
  readonly everyMs?: number;
}

interface Known extends Observation {
  readonly sign: string;
  readonly lookedMs: number;
}

/** Tracks files over many checks. */
export class ChangeObserver {
  readonly #terms: ObserverOptions;
  readonly #known = new Map<string, Known>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking = false;

  constructor(terms: ObserverOptions) {
    this.#terms = terms;
  }

  /** Number of tracked files. */
  get size(): number {
    return this.#known.size;
  }

  /** The observation of the last check, without a new check. */
  known(file: string): Observation | undefined {
    return this.#known.get(file);
  }

  /**
   * Checks a file now, and from now on every {@link ObserverOptions.everyMs}, if that is set.
   *
   * @throws Errors of the operating system.
   */
  async look(file: string): Promise<Observation> {
    const beganMs = performance.now();
    const sign = await signIn(file);
    if (this.#terms.everyMs !== undefined) {
      this.#timer ??= setInterval(() => void this.#lookAgain(), this.#terms.everyMs).unref();
    }
    return this.#observe(file, sign, beganMs);
  }

  /** Stops tracking a file. */
  forget(file: string): void {
    this.#known.delete(file);
  }

  #observe(file: string, sign: string, beganMs: number): Known {
    const known = this.#known.get(file);
    const seen =
      known?.sign === sign
        ? this.#unchanged(known, beganMs)
        : {
            sign,
            quietMs: 0,
            hasChanged: known !== undefined,
            isMissing: sign === "",
            lookedMs: performance.now(),
          };
    this.#known.set(file, seen);
    return seen;
  }

  #unchanged(known: Known, beganMs: number): Known {
    // The file was unchanged at least until this check began. The duration of the check itself does not count.
    const sinceMs = Math.max(0, beganMs - known.lookedMs);
    return {
      ...known,
      quietMs: known.quietMs + Math.min(sinceMs, this.#terms.creditMs),
      lookedMs: Math.max(beganMs, known.lookedMs),
    };
  }

  async #lookAgain(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    for (const file of [...this.#known.keys()]) {
      const beganMs = performance.now();
      const sign = await signIn(file).catch(() => undefined);
      // The file may have been forgotten during the check. Tracking it again would keep it for ever.
      if (sign === undefined || !this.#known.has(file)) continue;
      const seen = this.#observe(file, sign, beganMs);
      // A caller that still needs the file tracks it again with its next check.
      if (seen.isMissing && seen.quietMs > MISSING_MS) this.forget(file);
    }
    this.#looking = false;
    if (this.#known.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** A value that changes whenever the file is touched or recreated; empty if the file is missing. */
async function signIn(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}
