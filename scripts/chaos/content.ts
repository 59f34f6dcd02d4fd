/**
 * The content that is appended: bytes computed from a key and their offset, so that they can be compared without being
 * stored.
 * @module
 */
import { createHash } from "node:crypto";

const PIECE_BYTES = 64 * 1024;

/** The unlimited content of one path. */
export class Content {
  readonly #key: number;

  /** @param key Different keys give different contents. */
  constructor(key: number) {
    this.#key = key | 0;
  }

  /** Returns the bytes from `from` up to `to`, exclusive. */
  read(from: number, to: number): Buffer {
    const first = Math.floor(from / 4);
    const words = new Uint32Array(Math.ceil(to / 4) - first);
    for (let at = 0; at < words.length; at++) words[at] = this.#word(first + at);
    return Buffer.from(words.buffer, from - first * 4, to - from);
  }

  /** Returns the offset of the first byte that differs from the content, or undefined if all are equal. */
  difference(bytes: Uint8Array, from: number): number | undefined {
    const expected = this.read(from, from + bytes.length);
    if (expected.equals(bytes)) return undefined;
    return from + expected.findIndex((byte, at) => byte !== bytes[at]);
  }

  /** Returns the SHA-256 of the bytes from `from` up to `to`, exclusive, in hex. */
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
