/**
 * How many lines end in each block: by the server for what was there, by the worker for what has arrived.
 * @module
 */
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Source } from "./source.ts";

/** The number of newlines per block. */
export class LineIndex {
  readonly #counts: number[] = [];
  /** Newlines before each block. */
  readonly #sums: number[] = [0];

  /** Sets the counts of some blocks. Those of a block that grows only become more. */
  set(firstBlock: number, counts: readonly number[]): void {
    for (const [at, count] of counts.entries()) {
      this.#counts[firstBlock + at] = Math.max(count, this.#counts[firstBlock + at] ?? 0);
    }
    this.#sums.length = Math.min(this.#sums.length, firstBlock + 1);
    for (let block = this.#sums.length - 1; this.#counts[block] !== undefined; block++) {
      this.#sums[block + 1] = (this.#sums[block] ?? 0) + (this.#counts[block] ?? 0);
    }
  }

  /** Newlines before a block; undefined while that is not known. */
  before(block: number): number | undefined {
    return this.#sums[block];
  }

  /** Newlines in a block; undefined while that is not known. */
  in(block: number): number | undefined {
    return this.#counts[block];
  }

  /** All newlines that are known. */
  get total(): number {
    return this.#sums[this.#sums.length - 1] ?? 0;
  }

  /** Whether nothing before a block is missing. */
  isKnown(block: number): boolean {
    return this.#sums.length > block;
  }

  /** The block with a newline, counted from 0; undefined if it is not known. */
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

/** Most bytes of a path whose lines the page counts if the server does not. */
const MOST_COUNTED = 64 * 1024 * 1024;

const NEWLINE = 10;

/**
 * Learns the counts of the blocks before an offset: from the server, or by reading all of it if that is not too much.
 *
 * @param until The beginning of a block.
 * @throws if the server can't be reached.
 */
export async function learnLines(source: Source, index: LineIndex, until: number): Promise<void> {
  if ((await askForLines(source, index, until)) || until > MOST_COUNTED) return;
  const response = await source.request(source.with({ raw: "" }), { headers: { Range: `bytes=0-${until - 1}` } });
  // What drops ranges on the way leaves 200, with more than that.
  const reader = response.ok ? response.body?.getReader() : undefined;
  const counts = new Array<number>(until / BLOCK_BYTES).fill(0);
  let at = 0;
  for (let next = await reader?.read(); next && !next.done && at < until; next = await reader?.read()) {
    const bytes = next.value.subarray(0, until - at);
    for (let line = bytes.indexOf(NEWLINE); line !== -1; line = bytes.indexOf(NEWLINE, line + 1)) {
      const block = Math.floor((at + line) / BLOCK_BYTES);
      counts[block] = (counts[block] ?? 0) + 1;
    }
    at += bytes.length;
  }
  await reader?.cancel();
  if (at === until) index.set(0, counts);
}

/** Asks the server for the counts of the blocks before an offset. Returns whether it knows them. */
async function askForLines(source: Source, index: LineIndex, until: number): Promise<boolean> {
  if (until === 0) return true;
  const { generation } = source;
  const url = source.with({ lines: "", ...(generation !== undefined && { generation }) });
  const abort = new AbortController();
  const response = await source.request(url, { signal: abort.signal, headers: { Accept: "application/json" } });
  // A server that does not know the parameter answers with the bytes.
  if (!response.ok || response.headers.has("Accept-Ranges") || !isJson(response)) {
    abort.abort();
    return false;
  }
  const answer: unknown = await response.json();
  if (!isCounts(answer) || answer.block !== BLOCK_BYTES) return false;
  index.set(0, answer.counts.slice(0, until / BLOCK_BYTES));
  return index.isKnown(until / BLOCK_BYTES);
}

function isJson({ headers }: Response): boolean {
  return headers.get("Content-Type")?.startsWith("application/json") === true;
}

function isCounts(answer: unknown): answer is { readonly block: number; readonly counts: readonly number[] } {
  return typeof answer === "object" && answer !== null && "counts" in answer && Array.isArray(answer.counts);
}
