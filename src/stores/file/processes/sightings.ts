/**
 * What this process has seen of files that other processes touch, and for how long it has seen no change.
 *
 * Clocks of two processes are never compared: they differ between machines, and any of them may be set at any moment. A
 * file's times and inode are only compared with what they were at the last look, and the time between two looks is
 * measured on this process's own monotonic clock.
 * @module
 */
import { stat } from "node:fs/promises";
import { clearInterval, setInterval } from "node:timers";
import { isMissing } from "../folders/errors.ts";

/** Milliseconds after which a file that is not there is forgotten. */
const MISSING_MS = 60_000;

/** What was seen of a file. */
export interface Sighting {
  /** Milliseconds for which this process has seen it unchanged. 0 at the first look. */
  readonly quietMs: number;
  /** Whether this process has seen it change. */
  readonly hasChanged: boolean;
  /** Whether it is not there now. */
  readonly isMissing: boolean;
}

/** How to look at files. */
export interface SightingTerms {
  /**
   * Most milliseconds that count as quiet between two looks. A process that was stopped for longer has not watched: those
   * whom it watches may have been stopped with it, as in a container that is paused.
   */
  readonly creditMs: number;
  /** Milliseconds between two looks that are taken without being asked for. Default: none are. */
  readonly everyMs?: number;
}

interface Known extends Sighting {
  readonly sign: string;
  readonly lookedMs: number;
}

/** Remembers files over many looks, until they are gone. */
export class Sightings {
  readonly #terms: SightingTerms;
  readonly #known = new Map<string, Known>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking = false;

  constructor(terms: SightingTerms) {
    this.#terms = terms;
  }

  /** How many files are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** What was seen of a file at the last look. */
  known(file: string): Sighting | undefined {
    return this.#known.get(file);
  }

  /** Looks at a file now, and from now on regularly. */
  async look(file: string): Promise<Sighting> {
    const beganMs = performance.now();
    const sign = await signIn(file);
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
    if (this.#terms.everyMs !== undefined) {
      this.#timer ??= setInterval(() => void this.#lookAgain(), this.#terms.everyMs).unref();
    }
    return seen;
  }

  /** Forgets a file. */
  forget(file: string): void {
    this.#known.delete(file);
  }

  #unchanged(known: Known, beganMs: number): Known {
    // It was unchanged when the look began, at least: how long the look itself took does not count.
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
    for (const [file, known] of [...this.#known]) {
      const seen = await this.look(file).catch(() => undefined);
      // If it is still asked for, it is remembered again.
      if (seen?.isMissing && known.isMissing && seen.quietMs > MISSING_MS) this.forget(file);
    }
    this.#looking = false;
    if (this.#known.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What changes whenever a file is touched or made anew; empty when it is not there. */
async function signIn(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}
