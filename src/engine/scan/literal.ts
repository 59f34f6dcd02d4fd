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
  /** The bytes of each form, such as upper and lower case. All forms have the same length. */
  readonly forms: readonly Uint8Array[];
}

/**
 * A text to find. Without regard to case, a character matches its upper and its lower case if both are single characters of
 * the same length in UTF-8. This excludes `ß`, whose upper case is `SS`, and a few others.
 *
 * Where the runtime does not help, it uses the algorithm of Boyer, Moore and Horspool: the last byte of a candidate says how
 * far away the next candidate is, so most bytes are never read. The worst case, a text of nearly equal bytes, takes as many
 * times longer as the text has bytes.
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
   * Returns the index of the first match within a range; -1 if there is none.
   *
   * @param from Index of the first byte.
   * @param to Index just past the last byte.
   */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (!nativeBytes || !this.#only) return this.findByForms(bytes, from, to);
    const found = nativeBytes.from(bytes.buffer, bytes.byteOffset + from, to - from).indexOf(this.#only);
    return found === -1 ? -1 : from + found;
  }

  /** Like {@link find}, without the help of the runtime. */
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
