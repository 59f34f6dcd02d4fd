/**
 * Searches the lines of the path by a regular expression, or by the fields of their JSON. Without escape sequences, as the search of the server.
 * @module
 */
import { Source } from "../page/bytes/source.ts";
import { ESCAPE } from "../shared/escape.ts";
import type { SearchMessage, SearchOrder } from "../shared/messages.ts";
import { fieldsQuery, QueryError } from "./fields.ts";

/** Bytes to read at once. */
const PIECE_BYTES = 1024 * 1024;

/** Most bytes of a line to search. */
const LINE_BYTES = 1024 * 1024;

const ESCAPE_BYTE = 27;
const NEWLINE = 10;
const DECODER = new TextDecoder();

/** Searches, and reports the hits of each piece. */
export async function searchLines(order: SearchOrder, tell: (message: SearchMessage) => void): Promise<void> {
  const { expression, isFields, url, token, generation, to } = order;
  try {
    const pattern = isFields ? fieldsQuery(expression) : new RegExp(expression, "i");
    const source = new Source(url);
    source.generation = generation;
    source.keepToken(token);
    const lines = new LineCutter(order.from, pattern);
    for (let at = order.from; at < to; at += PIECE_BYTES) {
      const end = Math.min(to, at + PIECE_BYTES);
      const bytes = await source.read(at, end);
      tell({ type: "testing" });
      const found = lines.add(bytes, end === to);
      tell({ type: "found", lines: found, next: lines.next, cut: lines.cut, isEnd: end === to });
    }
  } catch (error) {
    const isSyntax = error instanceof SyntaxError;
    const message = isSyntax ? "That is not a valid regular expression." : "The search failed.";
    tell({ type: "failed", message: error instanceof QueryError ? error.message : message });
  }
}

/** What lines are tested for. */
type Pattern = Pick<RegExp, "test">;

/** Cuts bytes into lines, and tests these. */
export class LineCutter {
  readonly #pattern: Pattern;
  #rest: Uint8Array = new Uint8Array(0);
  /** Whether the rest belongs to a line that was tested as far as it may be. */
  #isTested = false;
  /** Where the first line begins that is not complete. */
  next: number;
  /** How many lines were searched only at their beginning. */
  cut = 0;
  #at: number;

  constructor(from: number, pattern: Pattern) {
    this.next = from;
    this.#at = from;
    this.#pattern = pattern;
  }

  /**
   * Adds the next bytes. Returns where the lines with the pattern begin.
   *
   * @param isLast Whether to test the last line although it has no end.
   */
  add(piece: Uint8Array, isLast: boolean): number[] {
    const bytes = joined(this.#rest, piece);
    const from = this.#at - this.#rest.length;
    this.#at += piece.length;
    const found: number[] = [];
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      if (this.#has(bytes.subarray(at, end))) found.push(this.next);
      at = end + 1;
      this.next = from + at;
      this.#isTested = false;
    }
    const rest = bytes.subarray(at);
    const isLong = rest.length > LINE_BYTES || this.#isTested;
    // Behind the last newline there is no line.
    if (((isLast && rest.length > 0) || isLong) && this.#has(rest)) found.push(this.next);
    if (isLong) this.#isTested = true;
    this.#rest = isLong ? new Uint8Array(0) : rest.slice();
    return found;
  }

  #has(line: Uint8Array): boolean {
    if (this.#isTested || line.length === 0) return !this.#isTested && this.#pattern.test("");
    if (line.length > LINE_BYTES) this.cut++;
    const text = DECODER.decode(line.subarray(0, LINE_BYTES));
    return this.#pattern.test((line.includes(ESCAPE_BYTE) ? text.replace(ESCAPE, "") : text).replace(/\r$/, ""));
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
