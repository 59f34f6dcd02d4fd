/**
 * Ranges of hidden lines. They may lie in each other, and overlap.
 * @module
 */

/** Hidden lines. */
export class Folds {
  /** From the offset of the first line of each range to the offset just past its last one. */
  readonly #ranges = new Map<number, number>();
  /** The line to which the reader was led last. */
  #target: number | undefined;

  /** Whether a range begins at an offset. */
  has(from: number): boolean {
    return this.#ranges.has(from);
  }

  set(from: number, to: number): void {
    this.#ranges.set(from, to);
  }

  /** Shows the lines of the range that begins at an offset. Returns whether there is one. */
  delete(from: number): boolean {
    return this.#ranges.delete(from);
  }

  /** The offset of the first line that is shown, from a line on. */
  behind(line: number): number {
    return this.#beyond(line, (from, to, at) => (from <= at && at < to ? to : at));
  }

  /** The offset just past the last line that is shown before a line. */
  before(line: number): number {
    return this.#beyond(line, (from, to, at) => (from < at && at <= to ? from : at));
  }

  /** Shows a line, to which the reader is led. */
  open(line: number): void {
    this.#target = line;
    for (const [from, to] of this.#ranges) if (from <= line && line < to) this.#ranges.delete(from);
  }

  /** Whether the line to which the reader was led last lies between two offsets. */
  hasTarget(from: number, to: number): boolean {
    return this.#target !== undefined && from <= this.#target && this.#target < to;
  }

  #beyond(line: number, step: (from: number, to: number, at: number) => number): number {
    let at = line;
    for (let last = -1; last !== at; ) {
      last = at;
      for (const [from, to] of this.#ranges) at = step(from, to, at);
    }
    return at;
  }
}
