/**
 * Checks lines of JSON as their bytes arrive, each byte once, and keeps no bytes: a line may have any length, and any number
 * of pieces.
 *
 * It accepts what `JSON.parse` accepts, and only UTF-8. The grammar is a table: the state and the kind of the next byte give
 * the next state, or something to do.
 * @module
 */

/**
 * The state after the last bytes: nothing yet, or white space; a complete value without a line end; the beginning of a
 * value.
 */
export type LineTail = "blank" | "value" | "unfinished";

/** Deepest nesting of arrays and objects. Parsers of other languages overflow not much later. */
const MAX_DEPTH = 1_000;

/** The kinds of bytes. */
const KINDS = 256;

/** Names of states: one or two letters for what was read last, or must be read next. */
const STATES = [
  ...["blank", "value", "element", "member", "key", "colon", "after"],
  ...["string", "escape", "hex1", "hex2", "hex3", "hex4"],
  ...["minus", "zero", "integer", "point", "fraction", "exponent", "sign", "power"],
  ...["t1", "t2", "t3", "f1", "f2", "f3", "f4", "n1", "n2", "n3"],
  ...["more1", "more2", "more3", "e0", "ed", "f0", "f4b"],
] as const;
type State = (typeof STATES)[number];

/** The actions of some bytes, besides or instead of leading to a state. */
const ACTIONS = ["error", "line", "comma", "quote", "array", "object", "endArray", "endObject", "keyQuote"] as const;
type Action = (typeof ACTIONS)[number];

const ACTION = Object.fromEntries(ACTIONS.map((name, at) => [name, STATES.length + at])) as Record<Action, number>;
const STATE = Object.fromEntries(STATES.map((name, at) => [name, at])) as Record<State, number>;

/** States after which a value may end. */
const ENDS: readonly State[] = ["after", "zero", "integer", "fraction", "power"];

const DIGITS = "0123456789";

/** Lines: a line feed ends a value. */
const LINES = table("line");

/** One value: a line feed is white space like any other. */
const VALUE = table("white");

/** Checks the lines of one file, from some line's beginning on; or a single value of any number of lines. */
export class JsonScanner {
  readonly #table: Uint8Array;
  #state = STATE.blank;
  /** 1 for an object, 0 for an array, of each open one. */
  readonly #open = new Uint8Array(MAX_DEPTH);
  #depth = 0;
  #isKey = false;
  #isBroken = false;
  readonly #maxBytes: number;
  /** Bytes of the current line, before those that are being scanned. */
  #lineBytes = 0;
  #isTooLong = false;

  /**
   * @param what The form of the bytes. Default: lines.
   * @param maxBytes Maximum bytes of a line, without its end. Default: any number.
   */
  constructor(what: "lines" | "value" = "lines", maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#table = what === "lines" ? LINES : VALUE;
    this.#maxBytes = maxBytes;
  }

  /** Whether a line had too many bytes; nothing is valid after that. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /** The state of the bytes since the last line end. */
  get tail(): LineTail {
    if (this.#isBroken) return "unfinished";
    if (this.#state === STATE.blank) return "blank";
    return this.#depth === 0 && ENDS.includes(STATES[this.#state] as State) ? "value" : "unfinished";
  }

  /**
   * Scans the next bytes.
   *
   * @returns The number of leading bytes that are valid: all, or those before the first invalid line; 0 after that.
   */
  take(bytes: Uint8Array): number {
    if (this.#isBroken) return 0;
    const table = this.#table;
    let lineStart = 0;
    let state = this.#state;
    for (let at = 0; at < bytes.length; at++) {
      const next = table[state * KINDS + (bytes[at] as number)] as number;
      if (next < STATES.length) {
        state = next;
        continue;
      }
      state = this.#act(next);
      if (state === ACTION.error) return this.#broken(lineStart);
      if (next !== ACTION.line) continue;
      if (this.#lineBytes + at - lineStart > this.#maxBytes) return this.#broken(lineStart, true);
      this.#lineBytes = 0;
      lineStart = at + 1;
    }
    this.#state = state;
    this.#lineBytes += bytes.length - lineStart;
    return this.#lineBytes > this.#maxBytes ? this.#broken(lineStart, true) : bytes.length;
  }

  /** Begins a line, whatever came before. */
  restart(): void {
    this.#state = STATE.blank;
    this.#depth = 0;
    this.#isKey = false;
    this.#lineBytes = 0;
  }

  #broken(lineStart: number, isTooLong = false): number {
    this.#isBroken = true;
    this.#isTooLong = isTooLong;
    return lineStart;
  }

  /** Returns the next state, or `ACTION.error`. */
  #act(action: number): number {
    switch (action) {
      case ACTION.line:
        return this.#depth === 0 ? STATE.blank : ACTION.error;
      case ACTION.comma:
        if (this.#depth === 0) return ACTION.error;
        return this.#open[this.#depth - 1] === 1 ? STATE.key : STATE.value;
      case ACTION.keyQuote:
        this.#isKey = true;
        return STATE.string;
      case ACTION.quote: {
        const isKey = this.#isKey;
        this.#isKey = false;
        return isKey ? STATE.colon : STATE.after;
      }
      case ACTION.array:
      case ACTION.object:
        return this.#enter(action === ACTION.object);
      case ACTION.endArray:
      case ACTION.endObject:
        return this.#leave(action === ACTION.endObject);
      default:
        return ACTION.error;
    }
  }

  #enter(isObject: boolean): number {
    if (this.#depth === MAX_DEPTH) return ACTION.error;
    this.#open[this.#depth++] = isObject ? 1 : 0;
    return isObject ? STATE.member : STATE.element;
  }

  #leave(isObject: boolean): number {
    if (this.#depth === 0 || this.#open[this.#depth - 1] !== (isObject ? 1 : 0)) return ACTION.error;
    this.#depth--;
    return STATE.after;
  }
}

/** The grammar. Everything that is not listed is an error. */
function table(lineFeed: "line" | "white"): Uint8Array {
  const cells = new Uint8Array(STATES.length * KINDS).fill(ACTION.error);
  const on = (state: State, bytes: string | readonly [number, number], next: number): void => {
    const [from, to] = typeof bytes === "string" ? [0, -1] : bytes;
    for (let byte = from; byte <= to; byte++) cells[STATE[state] * KINDS + byte] = next;
    if (typeof bytes !== "string") return;
    for (const character of bytes) cells[STATE[state] * KINDS + character.charCodeAt(0)] = next;
  };
  const go = (state: State, bytes: string | readonly [number, number], next: State): void =>
    on(state, bytes, STATE[next]);

  for (const state of ["blank", "value", "element", "member", "key", "colon", "after"] as const) {
    go(state, lineFeed === "white" ? " \t\r\n" : " \t\r", state);
  }
  for (const state of ["blank", "value", "element"] as const) {
    on(state, "[", ACTION.array);
    on(state, "{", ACTION.object);
    go(state, '"', "string");
    go(state, "-", "minus");
    go(state, "0", "zero");
    go(state, "123456789", "integer");
    go(state, "t", "t1");
    go(state, "f", "f1");
    go(state, "n", "n1");
  }
  on("element", "]", ACTION.endArray);
  on("member", "}", ACTION.endObject);
  for (const state of ["member", "key"] as const) on(state, '"', ACTION.keyQuote);
  go("colon", ":", "value");
  for (const state of ENDS) {
    go(state, " \t\r", "after");
    if (lineFeed === "white") go(state, "\n", "after");
    else on(state, "\n", ACTION.line);
    on(state, ",", ACTION.comma);
    on(state, "]", ACTION.endArray);
    on(state, "}", ACTION.endObject);
  }
  numbers(go);
  words(go);
  strings(go);
  on("string", '"', ACTION.quote);
  return cells;
}

type Go = (state: State, bytes: string | readonly [number, number], next: State) => void;

function numbers(go: Go): void {
  go("minus", "0", "zero");
  go("minus", "123456789", "integer");
  go("integer", DIGITS, "integer");
  for (const state of ["zero", "integer"] as const) go(state, ".", "point");
  for (const state of ["zero", "integer", "fraction"] as const) go(state, "eE", "exponent");
  for (const state of ["point", "fraction"] as const) go(state, DIGITS, "fraction");
  go("exponent", "+-", "sign");
  for (const state of ["exponent", "sign", "power"] as const) go(state, DIGITS, "power");
}

function words(go: Go): void {
  for (const [word, states] of [
    ["rue", ["t1", "t2", "t3", "after"]],
    ["alse", ["f1", "f2", "f3", "f4", "after"]],
    ["ull", ["n1", "n2", "n3", "after"]],
  ] as const) {
    for (const [at, letter] of [...word].entries()) go(states[at] as State, letter, states[at + 1] as State);
  }
}

/** Strings: no control characters, no overlong or broken UTF-8, no surrogates in it. */
function strings(go: Go): void {
  go("string", [0x20, 0x7f], "string");
  go("string", "\\", "escape");
  go("escape", '"\\/bfnrt', "string");
  go("escape", "u", "hex1");
  for (const [state, next] of [
    ["hex1", "hex2"],
    ["hex2", "hex3"],
    ["hex3", "hex4"],
    ["hex4", "string"],
  ] as const) {
    go(state, `${DIGITS}abcdefABCDEF`, next);
  }
  go("string", [0xc2, 0xdf], "more1");
  go("string", [0xe0, 0xef], "more2");
  go("string", [0xe0, 0xe0], "e0");
  go("string", [0xed, 0xed], "ed");
  go("string", [0xf0, 0xf0], "f0");
  go("string", [0xf1, 0xf3], "more3");
  go("string", [0xf4, 0xf4], "f4b");
  go("more1", [0x80, 0xbf], "string");
  go("more2", [0x80, 0xbf], "more1");
  go("more3", [0x80, 0xbf], "more2");
  go("e0", [0xa0, 0xbf], "more1");
  go("ed", [0x80, 0x9f], "more1");
  go("f0", [0x90, 0xbf], "more2");
  go("f4b", [0x80, 0x8f], "more2");
}
