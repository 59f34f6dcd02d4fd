/**
 * Counts line feeds.
 * @module
 */
import { NEWLINE } from "../../support/ascii.ts";

/** For four bytes at once: line feeds, the lowest bit of each byte, the low seven bits of each byte. */
const NEWLINES = 0x0a0a0a0a;
const LOWEST = 0x01010101;
const LOW_SEVEN = 0x7f7f7f7f;

/** Words after which the counter of a byte could overflow. */
const MAX_WORDS = 255;

/**
 * Counts the line feeds in a range of bytes. It reads four bytes at once, which takes a quarter of the time, regardless of
 * the length of the lines.
 *
 * @param from Index of the first byte.
 * @param to Index just past the last byte.
 * @example
 * ```ts
 * countNewlines(new TextEncoder().encode("a\nb\n"), 0, 4); // 2
 * ```
 */
export function countNewlines(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes.byteOffset + from;
  // A view of words must be aligned.
  const aligned = Math.min(to, from + ((4 - (first % 4)) % 4));
  const words = Math.floor((to - aligned) / 4);
  const rest = aligned + words * 4;
  const view = new Int32Array(bytes.buffer, words === 0 ? 0 : bytes.byteOffset + aligned, words);
  return countSingly(bytes, from, aligned) + countWords(view) + countSingly(bytes, rest, to);
}

function countWords(words: Int32Array): number {
  let count = 0;
  for (let at = 0; at < words.length; ) {
    const end = Math.min(words.length, at + MAX_WORDS);
    // Four counters of one byte each.
    let counts = 0;
    for (; at < end; at++) {
      // A byte that is a line feed becomes 0, and adds 1 to its counter.
      const word = (words[at] as number) ^ NEWLINES;
      const others = ((word & LOW_SEVEN) + LOW_SEVEN) | word | LOW_SEVEN;
      counts = (counts + ((~others >>> 7) & LOWEST)) | 0;
    }
    count += (counts & 0xff) + ((counts >>> 8) & 0xff) + ((counts >>> 16) & 0xff) + (counts >>> 24);
  }
  return count;
}

function countSingly(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}
