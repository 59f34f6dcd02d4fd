/**
 * Cutting bytes where a text frame may begin and end: on UTF-8 character boundaries.
 * @module
 */
import { TEXT_MESSAGE_BYTES } from "./message-sizes.ts";

/** No bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What may leave as text now, and the up to three bytes that wait for the rest of their character. */
export interface TextCut {
  readonly whole: Uint8Array;
  readonly carry: Uint8Array;
}

/**
 * How many bytes at the end are the beginning of a UTF-8 character whose rest has not come yet: 0 to 3.
 * Bytes that can never become a character count as complete.
 *
 * @example
 * ```ts
 * incompleteTail(new Uint8Array([0x41, 0xe2, 0x82])); // 2
 * ```
 */
export function incompleteTail(bytes: Uint8Array): number {
  const size = bytes.length;
  for (let back = 1; back <= 3 && back <= size; back++) {
    const lead = bytes[size - back] as number;
    if (isContinuation(lead)) continue;
    if (characterLength(lead) <= back) return 0;
    return back === 1 || secondByteFits(lead, bytes[size - back + 1] as number) ? back : 0;
  }
  return 0;
}

/**
 * The bytes that waited followed by new ones, cut on a character boundary.
 *
 * @example
 * ```ts
 * cutText(NO_BYTES, new Uint8Array([0x41, 0xc3])); // whole: [0x41], carry: [0xc3]
 * ```
 */
export function cutText(carry: Uint8Array, bytes: Uint8Array): TextCut {
  const all = carry.length === 0 ? bytes : join(carry, bytes);
  const held = incompleteTail(all);
  if (held === 0) return { whole: all, carry: NO_BYTES };
  // A copy, which a Buffer's slice() is not: the few bytes that wait must not keep a whole batch in memory.
  return { whole: all.subarray(0, all.length - held), carry: new Uint8Array(all.subarray(all.length - held)) };
}

/**
 * The bytes in pieces that are small enough for a text message each, cut on character boundaries. Nothing is copied.
 *
 * @param mostBytes Bytes of the largest piece; at least 4, so that every character fits.
 * @example
 * ```ts
 * textPieces(new TextEncoder().encode("漢字"), 4).length; // 2
 * ```
 */
export function textPieces(bytes: Uint8Array, mostBytes: number = TEXT_MESSAGE_BYTES): Uint8Array[] {
  if (bytes.length <= mostBytes) return [bytes];
  const pieces: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at > mostBytes) {
    const most = bytes.subarray(at, at + mostBytes);
    const piece = most.subarray(0, most.length - incompleteTail(most));
    pieces.push(piece);
    at += piece.length;
  }
  pieces.push(bytes.subarray(at));
  return pieces;
}

/**
 * Where text begins that was asked for from an offset on: at the next character, if the offset is inside one. Bytes that
 * are not UTF-8 begin at the offset.
 */
export class TextStart {
  /** The beginning of the character that the offset may be inside of; empty once that is decided. */
  #begun: Uint8Array;
  /** How many bytes of it come before the offset. */
  readonly #before: number;

  /** @param before The bytes in front of the offset, three of them where there are as many. */
  constructor(before: Uint8Array) {
    this.#before = incompleteTail(before);
    this.#begun = before.slice(before.length - this.#before);
  }

  /** Whether more has to be seen. */
  get open(): boolean {
    return this.#begun.length > 0;
  }

  /** What of the next bytes may leave. */
  align(bytes: Uint8Array): Uint8Array {
    if (!this.open) return bytes;
    const begun = this.#begun;
    const head = join(begun, bytes.subarray(0, 3));
    const length = characterLength(head[0] as number);
    const character = head.subarray(0, length);
    if (character.length < length && incompleteTail(character) === character.length) {
      this.#begun = character;
      return NO_BYTES;
    }
    this.#begun = NO_BYTES;
    if (isCharacter(character)) return bytes.subarray(length - begun.length);
    return begun.length === this.#before ? bytes : join(begun.subarray(this.#before), bytes);
  }

  /** What is left when nothing follows. */
  end(): Uint8Array {
    return this.#begun.subarray(this.#before);
  }
}

/** Whether bytes that are as many as the first of them says are one character. */
function isCharacter(bytes: Uint8Array): boolean {
  const [lead = 0, second = 0, ...others] = bytes;
  return isContinuation(second) && secondByteFits(lead, second) && others.every(isContinuation);
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte < 0xc0;
}

function characterLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 1;
}

/** The second byte rules out overlong forms, surrogates and values past U+10FFFF. */
function secondByteFits(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

/** Two sequences of bytes as one. */
export function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
