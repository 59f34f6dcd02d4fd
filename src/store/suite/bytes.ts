/**
 * Bytes for the suite: conversions, comparisons, and a seeded random generator.
 * @module
 */
import { assert } from "./assert.ts";

/** Every byte value once, in order. Not valid UTF-8. */
export const ALL_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, value) => value);

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of UTF-8 bytes. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Joins pieces. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Expects equal bytes. The message of a failure says where they differ, and does not quote them. */
export function equalBytes(actual: Uint8Array, expected: Uint8Array, message = "the bytes"): void {
  assert.equal(actual.length, expected.length, `${message}: the length`);
  const at = actual.findIndex((value, index) => value !== expected[index]);
  if (at >= 0) assert.fail(`${message}: byte ${at} of ${actual.length} is ${actual[at]}, expected ${expected[at]}`);
}

/** A generator of numbers in [0, 1) that yields the same sequence for the same seed (mulberry32). */
export function prng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Pseudorandom bytes; the same seed gives the same bytes. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const random = prng(seed);
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at++) words[at] = random() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, length);
}

/** Cuts the bytes into pieces of random sizes from 1 to `largest`. */
export function pieces<Bytes extends Uint8Array>(bytes: Bytes, largest: number, seed: number): Bytes[] {
  const random = prng(seed);
  const cut: Bytes[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + Math.floor(random() * largest);
    cut.push(bytes.subarray(at, next) as Bytes);
    at = next;
  }
  return cut;
}
