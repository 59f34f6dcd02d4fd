/**
 * Text without the escape sequences of terminals, with the offset of each byte in the resource.
 *
 * The sequences are those of ECMA-48: `ESC [` up to a final byte, strings such as `ESC ]` up to BEL, `ESC \` or U+009C, and
 * `ESC` with intermediate bytes and a final one. A line feed ends any sequence, so a broken one hides no more than its line.
 * @module
 */
import { BACKSLASH, BELL, CANCEL, ESCAPE, NEWLINE, OPENING_BRACKET, SUBSTITUTE } from "../../support/ascii.ts";

/** The bytes after ESC that begin a string: `P`, `X`, `]`, `^` and `_`. */
const STRINGS: ReadonlySet<number> = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f]);

/** The two bytes of U+009C, which ends a string. */
const STRING_END = [0xc2, 0x9c] as const;

/** The part of a sequence that the next byte belongs to. */
type State = "text" | "escape" | "escape, middle" | "control" | "string" | "string escape" | "string, two bytes";

/** The effect of a byte: the next state, and whether the byte belongs to the sequence. */
interface Step {
  readonly state: State;
  readonly isTaken: boolean;
}

/** A buffer of text without sequences. */
export class PlainText {
  /** The buffer. Its first {@link length} bytes are text. */
  readonly bytes: Uint8Array;
  /** The number of bytes of text. */
  length = 0;
  /** The beginnings of the runs between sequences: their index in the buffer, and their offset in the resource. */
  #starts: { readonly index: number; readonly offset: number }[] = [];
  #state: State = "text";
  #sequence = 0;
  #end: number;

  /**
   * @param capacity The size of the buffer in bytes.
   * @param offset The offset of the first byte that is added.
   */
  constructor(capacity: number, offset: number) {
    this.bytes = new Uint8Array(capacity);
    this.#end = offset;
  }

  /** Adds the next bytes of the resource. */
  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "text") at = this.#addText(bytes, at);
      else {
        const { state, isTaken } = stepOf(this.#state, bytes[at] as number);
        if (this.#state === "string escape" && state === "escape") this.#sequence = this.#end + at - 1;
        this.#state = state;
        if (isTaken) at++;
      }
    }
    this.#end += bytes.length;
  }

  /** The offset of a byte in the resource. */
  offsetOf(index: number): number {
    let low = 0;
    for (let high = this.#starts.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle]?.index ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const start = this.#starts[low];
    return start ? start.offset + index - start.index : this.#end;
  }

  /** Drops the text before an index. */
  keep(from: number): void {
    const offset = from < this.length ? this.offsetOf(from) : undefined;
    const behind = this.#starts.filter(({ index }) => index > from);
    this.bytes.copyWithin(0, from, this.length);
    this.length -= from;
    const kept = behind.map((start) => ({ ...start, index: start.index - from }));
    this.#starts = offset === undefined ? [] : [{ index: 0, offset }, ...kept];
  }

  /** The offset of the first byte that is not dropped, or that may turn out to be text. */
  get undecided(): number {
    if (this.length > 0) return this.offsetOf(0);
    return this.#state === "text" ? this.#end : this.#sequence;
  }

  /** Adds text up to the next sequence. Returns the index just past the ESC of that sequence. */
  #addText(bytes: Uint8Array, from: number): number {
    const found = bytes.indexOf(ESCAPE, from);
    const to = found === -1 ? bytes.length : found;
    if (to > from) {
      this.#starts.push({ index: this.length, offset: this.#end + from });
      this.bytes.set(bytes.subarray(from, to), this.length);
      this.length += to - from;
    }
    if (found === -1) return to;
    this.#state = "escape";
    this.#sequence = this.#end + found;
    return found + 1;
  }
}

/** The results of {@link stepOf}. */
const BEFORE_TEXT: Step = { state: "text", isTaken: false };
const LAST: Step = { state: "text", isTaken: true };
const IN_MIDDLE: Step = { state: "escape, middle", isTaken: true };
const IN_CONTROL: Step = { state: "control", isTaken: true };
const IN_STRING: Step = { state: "string", isTaken: true };
const IN_TWO_BYTES: Step = { state: "string, two bytes", isTaken: true };
const STRING_ESCAPE: Step = { state: "string escape", isTaken: true };
const OTHER_ESCAPE: Step = { state: "escape", isTaken: false };

/** The effect of a byte inside a sequence. */
function stepOf(state: Exclude<State, "text">, byte: number): Step {
  if (byte === NEWLINE) return BEFORE_TEXT;
  if (state === "string, two bytes" && byte === STRING_END[1]) return LAST;
  if (state === "string" || state === "string, two bytes") return stepInString(byte);
  if (state === "string escape") return byte === BACKSLASH ? LAST : OTHER_ESCAPE;
  if (state === "escape" && byte === OPENING_BRACKET) return IN_CONTROL;
  if (state === "escape" && STRINGS.has(byte)) return IN_STRING;
  const isControl = state === "control";
  if (byte >= 0x20 && byte <= (isControl ? 0x3f : 0x2f)) return isControl ? IN_CONTROL : IN_MIDDLE;
  return byte >= 0x30 && byte <= 0x7e ? LAST : BEFORE_TEXT;
}

function stepInString(byte: number): Step {
  if (byte === ESCAPE) return STRING_ESCAPE;
  if (byte === STRING_END[0]) return IN_TWO_BYTES;
  return byte === BELL || byte === CANCEL || byte === SUBSTITUTE ? LAST : IN_STRING;
}
