/**
 * Finds a literal text in bytes, with or without regard to case.
 * @module
 */

/** The `Buffer` of Node, Deno and Bun. It finds short texts several times as fast. */
interface NativeBytes {
  from(memory: ArrayBufferLike, at: number, length: number): { indexOf(bytes: Uint8Array): number };
}

const { Buffer: nativeBytes } = globalThis as { Buffer?: NativeBytes };

/** One character of the text. */
interface Character {
  /** Index of its first byte in the text. */
  readonly at: number;
  /** A number that is equal for characters with the same forms. */
  readonly symbol: number;
  /** The bytes of each form, such as upper and lower case. All forms have the same length. */
  readonly forms: readonly Uint8Array[];
}

/**
 * Maximum beginnings of a text that may overlap at one place. A text with more, such as a run of one character, is found by
 * another algorithm, which reads each byte about once.
 */
const MAX_OVERLAPS = 8;

/**
 * A text to find. Without regard to case, a character matches its upper and its lower case if both are single characters of
 * the same length in UTF-8. This excludes `ß`, whose upper case is `SS`, and a few others.
 *
 * Most texts are found by the algorithm of Boyer, Moore and Horspool: the last byte of a candidate says how far away the next
 * candidate is, so most bytes are never read. A text that repeats itself could take its length times as long. It is found by
 * its borders (Knuth, Morris and Pratt), so the time does not depend on the text.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode("an Error");
 * new Literal("error", { ignoreCase: true }).find(bytes, 0, bytes.length); // 3
 * ```
 */
export class Literal {
  /** The length in bytes. */
  readonly length: number;
  readonly #characters: readonly Character[];
  /** The bytes, if there is only one form. */
  readonly #only: Uint8Array | undefined;
  /** By the last byte of a candidate: the distance to the next candidate; 0 if this one may match. */
  readonly #jumps: Int32Array;
  /** The same for a candidate that was compared and does not match. */
  readonly #skips: Int32Array;
  /** How to find a text that repeats itself; undefined for any other. */
  readonly #repetitive: RepetitiveText | undefined;

  constructor(text: string, { ignoreCase }: { readonly ignoreCase: boolean }) {
    this.#characters = charactersOf(text, ignoreCase);
    const last = this.#characters.at(-1);
    const length = last ? last.at + (last.forms[0]?.length ?? 0) : 0;
    this.length = length;
    const hasForms = this.#characters.some(({ forms }) => forms.length > 1);
    this.#only = hasForms ? undefined : new TextEncoder().encode(text);
    this.#skips = new Int32Array(256).fill(length);
    for (const { index, byte } of this.#bytes()) if (index < length - 1) this.#skips[byte] = length - 1 - index;
    this.#jumps = this.#skips.slice();
    for (const { index, byte } of this.#bytes()) if (index === length - 1) this.#jumps[byte] = 0;
    const symbols = this.#characters.map(({ symbol }) => symbol);
    const isRepetitive = [symbols, symbols.toReversed()].some((each) => overlapsOf(bordersOf(each)) > MAX_OVERLAPS);
    this.#repetitive = isRepetitive ? new RepetitiveText(this.#characters, length) : undefined;
  }

  /**
   * Returns the index of the first match within a range; -1 if there is none.
   *
   * @param from Index of the first byte.
   * @param to Index just past the last byte.
   */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (!nativeBytes || !this.#only || this.#repetitive) return this.findByForms(bytes, from, to);
    const found = nativeBytes.from(bytes.buffer, bytes.byteOffset + from, to - from).indexOf(this.#only);
    return found === -1 ? -1 : from + found;
  }

  /** Like {@link find}, without the help of the runtime. */
  findByForms(bytes: Uint8Array, from: number, to: number): number {
    if (this.#repetitive) return this.#repetitive.find(bytes, from, to);
    const jumps = this.#jumps;
    const behind = this.length - 1;
    for (let end = from + behind; end < to; ) {
      const last = bytes[end] as number;
      const jump = jumps[last] as number;
      if (jump === 0 && this.#isAt(bytes, end - behind)) return end - behind;
      end += jump || (this.#skips[last] as number);
    }
    return -1;
  }

  #isAt(bytes: Uint8Array, from: number): boolean {
    for (const { at, forms } of this.#characters) if (!hasOneOf(forms, bytes, from + at)) return false;
    return true;
  }

  /** All bytes that may be at each index of a match, in the order of the indexes. */
  *#bytes(): Generator<{ readonly index: number; readonly byte: number }, void, void> {
    for (const { at, forms } of this.#characters) {
      const length = forms[0]?.length ?? 0;
      for (let index = 0; index < length; index++) {
        for (const form of forms) yield { index: at + index, byte: form[index] as number };
      }
    }
  }
}

function hasOneOf(forms: readonly Uint8Array[], bytes: Uint8Array, from: number): boolean {
  for (const form of forms) {
    let at = 0;
    while (at < form.length && bytes[from + at] === form[at]) at++;
    if (at === form.length) return true;
  }
  return false;
}

/** Finds a text that repeats itself. It goes through the bytes character by character, and never back. */
class RepetitiveText {
  readonly #length: number;
  readonly #symbols: readonly number[];
  readonly #borders: readonly number[];
  /** The symbols of characters of one byte; -1 for a byte that is not in the text. */
  readonly #single = new Int32Array(256).fill(-1);
  /** The symbols of all others, by their bytes as a number. */
  readonly #longer = new Map<number, number>();

  constructor(characters: readonly Character[], length: number) {
    this.#length = length;
    this.#symbols = characters.map(({ symbol }) => symbol);
    this.#borders = bordersOf(this.#symbols);
    for (const { forms, symbol } of characters) {
      for (const form of forms) {
        if (form.length === 1) this.#single[form[0] as number] = symbol;
        else this.#longer.set(numberOf(form, 0, form.length), symbol);
      }
    }
  }

  find(bytes: Uint8Array, from: number, to: number): number {
    const symbols = this.#symbols;
    /** Characters of the text that end here. */
    let count = 0;
    for (let at = from; at < to; ) {
      let symbol = this.#single[bytes[at] as number] as number;
      let length = 1;
      const longer = lengthAfter(bytes[at] as number);
      if (longer > 1 && at + longer <= to) {
        symbol = this.#longer.get(numberOf(bytes, at, longer)) ?? -1;
        if (symbol !== -1) length = longer;
      }
      while (count > 0 && symbols[count] !== symbol) count = this.#borders[count - 1] as number;
      if (symbols[count] === symbol) count++;
      at += length;
      if (count === symbols.length) return at - this.#length;
    }
    return -1;
  }
}

/** The number of bytes of a character in UTF-8, by its first byte; 1 for an invalid byte. */
function lengthAfter(byte: number): number {
  if (byte < 0xc2 || byte > 0xf4) return 1;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

function numberOf(bytes: Uint8Array, from: number, length: number): number {
  let number = 0;
  for (let at = from; at < from + length; at++) number = number * 256 + (bytes[at] as number);
  return number;
}

/** For each beginning of a text: the length of the longest shorter beginning that it ends with. */
function bordersOf(symbols: readonly number[]): number[] {
  const borders = symbols.map(() => 0);
  let length = 0;
  for (let at = 1; at < symbols.length; at++) {
    while (length > 0 && symbols[at] !== symbols[length]) length = borders[length - 1] as number;
    if (symbols[at] === symbols[length]) length++;
    borders[at] = length;
  }
  return borders;
}

/** How many beginnings of a text may end at one place at most, besides the longest one. */
function overlapsOf(borders: readonly number[]): number {
  const overlaps: number[] = [];
  for (const border of borders) overlaps.push(border === 0 ? 0 : (overlaps[border - 1] as number) + 1);
  return Math.max(0, ...overlaps);
}

function charactersOf(text: string, ignoreCase: boolean): Character[] {
  const encoder = new TextEncoder();
  const classes = new Map<string, Set<string>>();
  for (const character of new Set(text)) {
    const forms = new Set(ignoreCase ? formsOf(character) : [character]);
    // Characters with a form in common match the same, as the two forms of sigma do.
    for (const form of [...forms]) for (const other of classes.get(form) ?? []) forms.add(other);
    for (const form of forms) classes.set(form, forms);
  }
  const symbols = new Map<
    Set<string> | undefined,
    { readonly symbol: number; readonly forms: readonly Uint8Array[] }
  >();
  let at = 0;
  return [...text].map((character) => {
    const same = classes.get(character);
    const known = symbols.get(same) ?? {
      symbol: symbols.size,
      forms: [...(same ?? [])].map((form) => encoder.encode(form)),
    };
    symbols.set(same, known);
    const found = { at, ...known };
    at += known.forms[0]?.length ?? 0;
    return found;
  });
}

/** A character and its other cases, if they have as many bytes. */
function formsOf(character: string): string[] {
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  const encoder = new TextEncoder();
  const { length } = encoder.encode(character);
  const others = [lower, upper, lower.toUpperCase(), upper.toLowerCase()];
  const forms = others.filter((form) => [...form].length === 1 && encoder.encode(form).length === length);
  return [character, ...forms];
}
