/**
 * Cuts bytes on UTF-8 character boundaries, where text frames may begin and end.
 * @module
 */
import { TEXT_MESSAGE_BYTES } from "./message-sizes.ts";

/** The shared empty array. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Bytes to send as text now (`whole`), and up to three bytes that wait for the rest of their character (`carry`). */
export interface TextCut {
  readonly whole: Uint8Array;
  readonly carry: Uint8Array;
}

/**
 * The number of bytes at the end that begin a UTF-8 character whose rest has not arrived yet: 0 to 3. Bytes that can
 * never become a character count as complete.
 *
 * @example
 * ```ts
 * incompleteTail(new Uint8Array([0x41, 0xe2, 0x82])); // 2
 * ```
 */
export function incompleteTail(bytes: Uint8Array): number {
  const size = bytes.length;
  for (let back = 1; back <= 3; back++) {
    // In front of the bytes, as after a complete character, nothing is unfinished.
    const lead = bytes[size - back] ?? 0;
    if (isContinuation(lead)) continue;
    if (characterLength(lead) <= back) return 0;
    return back === 1 || secondByteFits(lead, bytes[size - back + 1] as number) ? back : 0;
  }
  return 0;
}

/**
 * Joins the carried bytes and the new ones, and cuts the result on a character boundary.
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
  // A copy, which a Buffer's slice() is not: a view would keep the whole batch in memory for a few bytes.
  return { whole: all.subarray(0, all.length - held), carry: new Uint8Array(all.subarray(all.length - held)) };
}

/**
 * Splits bytes into pieces that each fit into one text message, on character boundaries. Copies nothing.
 *
 * @param maxBytes Bytes of the largest piece; at least 4, so that every character fits. Default 32,768.
 * @example
 * ```ts
 * textPieces(new TextEncoder().encode("漢字"), 4).length; // 2
 * ```
 */
export function textPieces(bytes: Uint8Array, maxBytes: number = TEXT_MESSAGE_BYTES): Uint8Array[] {
  if (bytes.length <= maxBytes) return [bytes];
  const pieces: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at > maxBytes) {
    const window = bytes.subarray(at, at + maxBytes);
    const piece = window.subarray(0, window.length - incompleteTail(window));
    pieces.push(piece);
    at += piece.length;
  }
  pieces.push(bytes.subarray(at));
  return pieces;
}

/**
 * Aligns the start of text at an offset. If the offset is inside a character, the text begins at the next character.
 * Bytes that are not UTF-8 begin at the offset.
 *
 * @example
 * ```ts
 * const start = new TextStart(new Uint8Array([0xe2, 0x82]));
 * start.align(new Uint8Array([0xac, 0x41])); // [0x41]
 * ```
 */
export class TextStart {
  /** The beginning of the character that may contain the offset; empty once that is decided. */
  #begun: Uint8Array;
  /** The number of its bytes that come before the offset. */
  readonly #before: number;

  /** @param before The three bytes before the offset, or all of them if there are fewer. */
  constructor(before: Uint8Array) {
    this.#before = incompleteTail(before);
    this.#begun = before.slice(before.length - this.#before);
  }

  /** Whether more bytes are needed to decide where the text begins. */
  get open(): boolean {
    return this.#begun.length > 0;
  }

  /** Returns the part of the next bytes that may be sent. */
  align(bytes: Uint8Array): Uint8Array {
    if (!this.open) return bytes;
    const begun = this.#begun;
    const head = join(begun, bytes.subarray(0, 3));
    const length = characterLength(head[0] as number);
    const character = head.subarray(0, length);
    if (incompleteTail(character) === character.length) {
      this.#begun = character;
      return NO_BYTES;
    }
    this.#begun = NO_BYTES;
    if (isCharacter(character)) return bytes.subarray(length - begun.length);
    return join(begun.subarray(this.#before), bytes);
  }

  /** Returns the bytes that are left to send if no more follow. */
  end(): Uint8Array {
    return this.#begun.subarray(this.#before);
  }
}

/** Whether bytes form one character; their number is the one that the first byte announces. */
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

/** Rejects overlong forms, surrogates and values past U+10FFFF, which the second byte rules out. */
function secondByteFits(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

/**
 * Concatenates two arrays.
 *
 * @example
 * ```ts
 * join(new Uint8Array([1]), new Uint8Array([2])); // 1, 2
 * ```
 */
export function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
