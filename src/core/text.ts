/**
 * Cutting bytes where a text frame may end: on a UTF-8 character boundary.
 * @module
 */

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
    if (lead >= 0x80 && lead < 0xc0) continue;
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

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
