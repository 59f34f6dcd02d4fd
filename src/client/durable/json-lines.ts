/**
 * The messages of a JSON stream as lines: a response has them as one array, which may be larger than the memory.
 * @module
 */
import {
  BACKSLASH,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  DOUBLE_QUOTE,
  NEWLINE,
  OPENING_BRACE,
  OPENING_BRACKET,
} from "../../support/ascii.ts";
import { concat } from "../../support/concat.ts";

const OPENING: ReadonlySet<number> = new Set([OPENING_BRACKET, OPENING_BRACE]);
const CLOSING: ReadonlySet<number> = new Set([CLOSING_BRACKET, CLOSING_BRACE]);
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, NEWLINE, 0x0d]);

/**
 * Turns the bytes of one JSON array into lines, one element each. The text of an element stays as it is, except that
 * white space between its tokens is dropped.
 *
 * @example
 * ```ts
 * const lines = new JsonLines();
 * lines.push(new TextEncoder().encode('[{"a": 1.0}, 2]')); // '{"a":1.0}\n2\n' as bytes
 * lines.isComplete; // true
 * ```
 */
export class JsonLines {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #isComplete = false;
  /** The beginning of the element that is not complete yet. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** Whether the array has been closed. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Returns the lines that are complete with these bytes. */
  push(bytes: Uint8Array): Uint8Array {
    // Each comma or bracket that ends an element makes room for its line end.
    const line = new Uint8Array(bytes.length);
    let length = 0;
    let complete = 0;
    for (const byte of bytes) {
      const written = this.#next(byte);
      if (written === undefined) continue;
      line[length++] = written;
      if (written === NEWLINE) complete = length;
    }
    const whole = line.subarray(0, complete);
    const lines = complete > 0 ? concat([...this.#rest, whole], this.#restBytes + complete) : whole;
    if (complete > 0) {
      this.#rest = [];
      this.#restBytes = 0;
    }
    if (length > complete) {
      this.#rest.push(line.subarray(complete, length));
      this.#restBytes += length - complete;
    }
    return lines;
  }

  /** What to write for a byte. */
  #next(byte: number): number | undefined {
    if (this.#inString) {
      this.#inString = this.#escaped || byte !== DOUBLE_QUOTE;
      this.#escaped = !this.#escaped && byte === BACKSLASH;
      return this.#written(byte);
    }
    if (WHITE_SPACE.has(byte)) return undefined;
    if (byte === DOUBLE_QUOTE) this.#inString = true;
    if (OPENING.has(byte)) return this.#depth++ === 0 ? undefined : this.#written(byte);
    if (CLOSING.has(byte) && --this.#depth === 0) {
      this.#isComplete = true;
      return this.#end();
    }
    return byte === COMMA && this.#depth === 1 ? this.#end() : this.#written(byte);
  }

  #hasElement = false;

  #written(byte: number): number {
    this.#hasElement = true;
    return byte;
  }

  #end(): number | undefined {
    const has = this.#hasElement;
    this.#hasElement = false;
    return has ? NEWLINE : undefined;
  }
}
