/**
 * The number of lines that end in each block. The server counts the bytes that were there when the page was opened, the
 * worker those that arrive later.
 * @module
 */
import { BLOCK_BYTES } from "../../shared/messages.ts";
import { pause, Refused, type Source } from "./source.ts";

/** The number of newlines per block. */
export class LineIndex {
  readonly #counts: number[] = [];
  /** Newlines before each block. */
  readonly #sums: number[] = [0];

  /** Sets the counts of consecutive blocks. The count of a block never becomes less: a late answer may be older. */
  set(firstBlock: number, counts: readonly number[]): void {
    for (const [at, count] of counts.entries()) {
      this.#counts[firstBlock + at] = Math.max(count, this.#counts[firstBlock + at] ?? 0);
    }
    this.#sums.length = Math.min(this.#sums.length, firstBlock + 1);
    for (let block = this.#sums.length - 1; this.#counts[block] !== undefined; block++) {
      this.#sums[block + 1] = (this.#sums[block] ?? 0) + (this.#counts[block] ?? 0);
    }
  }

  /** Newlines before a block; undefined while unknown. */
  before(block: number): number | undefined {
    return this.#sums[block];
  }

  /** Newlines in a block; undefined while unknown. */
  in(block: number): number | undefined {
    return this.#counts[block];
  }

  /** Newlines before the first block whose count is unknown. */
  get total(): number {
    return this.#sums[this.#sums.length - 1] ?? 0;
  }

  /** Whether the counts of all blocks before a block are known. */
  isKnown(block: number): boolean {
    return this.#sums.length > block;
  }

  /**
   * The block that contains a newline; undefined while unknown.
   *
   * @param newline The number of newlines before it.
   */
  blockOf(newline: number): number | undefined {
    if (newline >= this.total) return undefined;
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#sums[middle] ?? 0) <= newline) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Asks the server for the counts of the blocks before an offset.
 *
 * @param until The beginning of a block.
 * @returns Why the counts stay unknown, in a sentence of the server; undefined if they are known.
 */
export async function loadCounts(source: Source, index: LineIndex, until: number): Promise<string | undefined> {
  if (until === 0) return undefined;
  const { generation } = source;
  // The address of the page may have parameters of these names.
  const url = source.with({ lines: "", from: "0", ...(generation !== undefined && { generation }) });
  for (;;) {
    const response = await source.requestWithRetries(url, { headers: { Accept: "application/json" } });
    if (!response.ok) return (await Refused.from(response)).message;
    // The connection may break.
    const text = await response.text().catch(() => undefined);
    if (text !== undefined) {
      const { counts } = JSON.parse(text) as { readonly counts: readonly number[] };
      index.set(0, counts.slice(0, until / BLOCK_BYTES));
      return undefined;
    }
    await pause();
  }
}
