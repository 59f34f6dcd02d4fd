/**
 * The summary of arriving lines for screen readers: now and then, how many there were, and the last one.
 * @module
 */
import { announce } from "./dom.ts";

/** Least milliseconds between two summaries. */
const PAUSE_MS = 5_000;

/** Most characters of a line. */
const LINE_LENGTH = 200;

/** Summaries of the lines that have arrived since the last one. */
export class Summary {
  readonly #lastLine: () => string;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param lastLine Returns the text of the last line. */
  constructor(lastLine: () => string) {
    this.#lastLine = lastLine;
  }

  /** Lines have arrived in view. */
  add(count: number): void {
    this.#count += count;
    if (this.#timer === undefined) this.#tell();
  }

  /** Forgets what has not been said: the reader looks at something else. */
  clear(): void {
    this.#count = 0;
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#count === 0) return;
    announce(`${newLines(this.#count)}. Last: ${this.#lastLine().slice(0, LINE_LENGTH)}`);
    this.#count = 0;
    this.#timer = setTimeout(() => this.#tell(), PAUSE_MS);
  }
}

/** A number of new lines in words. */
export function newLines(count: number): string {
  return count === 1 ? "1 new line" : `${count.toLocaleString("en")} new lines`;
}
