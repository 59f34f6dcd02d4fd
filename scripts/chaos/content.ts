/**
 * What is appended: bytes that tell at which offset of which path they belong, and need not be kept to be compared with.
 * @module
 */
import { createHash } from "node:crypto";

const PIECE_BYTES = 64 * 1024;

/** The endless content of one path. */
export class Content {
  readonly #key: number;

  /** @param key What makes it different from others. */
  constructor(key: number) {
    this.#key = key | 0;
  }

  /** The bytes of a range. */
  read(from: number, to: number): Buffer {
    const first = Math.floor(from / 4);
    const words = new Uint32Array(Math.ceil(to / 4) - first);
    for (let at = 0; at < words.length; at++) words[at] = this.#word(first + at);
    return Buffer.from(words.buffer, from - first * 4, to - from);
  }

  /** The offset of the first byte that does not belong where it is; nothing where all do. */
  difference(bytes: Uint8Array, from: number): number | undefined {
    const expected = this.read(from, from + bytes.length);
    if (expected.equals(bytes)) return undefined;
    return from + expected.findIndex((byte, at) => byte !== bytes[at]);
  }

  /** The SHA-256 of a range, in hex. */
  sha256(from: number, to: number): string {
    const hash = createHash("sha256");
    for (let at = from; at < to; at += PIECE_BYTES) hash.update(this.read(at, Math.min(to, at + PIECE_BYTES)));
    return hash.digest("hex");
  }

  #word(index: number): number {
    let mixed = Math.imul(index ^ this.#key, 0x9e3779b1) + this.#key;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  }
}
