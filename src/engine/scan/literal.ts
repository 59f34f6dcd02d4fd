/**
 * Finding a literal text among bytes, with or without regard to case.
 * @module
 */

/** What the runtimes of Node, Deno and Bun find bytes with. It is several times as fast for a text of a few bytes. */
interface NativeBytes {
  from(memory: ArrayBufferLike, at: number, length: number): { indexOf(bytes: Uint8Array): number };
}

const { Buffer: nativeBytes } = globalThis as { Buffer?: NativeBytes };

/** One character of the text. */
interface Character {
  /** Index of its first byte in the text. */
  readonly at: number;
  /** The bytes of each of its forms. All forms have equally many. */
  readonly forms: readonly Uint8Array[];
}

/**
 * A text to find. Without regard to case, a character matches its upper and its lower case, if each is one character with
 * as many bytes in UTF-8: that leaves out `ß` and `SS`, and few others.
 *
 * Without the help of the runtime, the last byte of each place decides how far the next place is away (Boyer, Moore and
 * Horspool), so most bytes are never looked at. A text that consists of nearly equal bytes takes its length times as long.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode("an Error");
 * new Literal("error", { ignoreCase: true }).find(bytes, 0, bytes.length); // 3
 * ```
 */
export class Literal {
  /** The number of its bytes. */
  readonly length: number;
  readonly #characters: readonly Character[];
  /** Its bytes, if it has only one form. */
  readonly #only: Uint8Array | undefined;
  /** By the last byte of a place: the distance of the next place; 0 for a place that may match. */
  readonly #jumps: Int32Array;
  /** The same for a place that does not match after all. */
  readonly #skips: Int32Array;

  constructor(text: string, { ignoreCase }: { readonly ignoreCase: boolean }) {
    let at = 0;
    this.#characters = [...text].map((character) => {
      const forms = formsOf(character, ignoreCase);
      const known = { at, forms };
      at += forms[0]?.length ?? 0;
      return known;
    });
    this.length = at;
    const hasForms = this.#characters.some(({ forms }) => forms.length > 1);
    this.#only = hasForms ? undefined : new TextEncoder().encode(text);
    this.#skips = new Int32Array(256).fill(at);
    for (const { index, byte } of this.#bytes()) if (index < at - 1) this.#skips[byte] = at - 1 - index;
    this.#jumps = this.#skips.slice();
    for (const { index, byte } of this.#bytes()) if (index === at - 1) this.#jumps[byte] = 0;
  }

  /**
   * The index of its first byte in a range; -1 if it is not there as a whole.
   *
   * @param from Index of the first byte.
   * @param to Index just past the last byte.
   */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (!nativeBytes || !this.#only) return this.findByForms(bytes, from, to);
    const found = nativeBytes.from(bytes.buffer, bytes.byteOffset + from, to - from).indexOf(this.#only);
    return found === -1 ? -1 : from + found;
  }

  /** As {@link find}, without the help of the runtime. */
  findByForms(bytes: Uint8Array, from: number, to: number): number {
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

  #isAt(bytes: Uint8Array, at: number): boolean {
    return this.#characters.every((character) => {
      return character.forms.some((form) => form.every((byte, index) => bytes[at + character.at + index] === byte));
    });
  }

  /** All bytes that it may have, from the first place on. */
  *#bytes(): Generator<{ readonly index: number; readonly byte: number }, void, void> {
    for (const { at, forms } of this.#characters) {
      const length = forms[0]?.length ?? 0;
      for (let index = 0; index < length; index++) {
        for (const form of forms) yield { index: at + index, byte: form[index] as number };
      }
    }
  }
}

function formsOf(character: string, ignoreCase: boolean): Uint8Array[] {
  const encoder = new TextEncoder();
  const given = encoder.encode(character);
  if (!ignoreCase) return [given];
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  const others = new Set([lower, upper, lower.toUpperCase(), upper.toLowerCase()]);
  others.delete(character);
  const forms = [...others].filter((form) => [...form].length === 1).map((form) => encoder.encode(form));
  return [given, ...forms.filter((form) => form.length === given.length)];
}
