/**
 * A stored chunk for followers, with each form of it built once.
 * @module
 */

import { cutText, type TextCut } from "../../protocol/utf8.ts";
import { Frame } from "./frame.ts";

/** A stored batch, and the offset just past it. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** A chunk for the live set. Each form of it is built when the first member needs it. */
export class LiveChunk {
  readonly end: number;
  /** The unfinished character that text followers at the tail held before this chunk. */
  readonly carryBefore: Uint8Array;
  readonly bytes: Uint8Array;
  #binary: Frame | undefined;
  #cut: TextCut | undefined;
  #text: Frame | undefined;

  /**
   * @param chunk The stored batch.
   * @param carryBefore The carry at the tail before the chunk.
   */
  constructor(chunk: Chunk, carryBefore: Uint8Array) {
    this.end = chunk.end;
    this.bytes = chunk.bytes;
    this.carryBefore = carryBefore;
  }

  /** All bytes, for followers that accept any bytes. */
  get binary(): Frame {
    this.#binary ??= new Frame(this.bytes, false);
    return this.#binary;
  }

  /** The bytes up to a character boundary, for followers that need text. May be empty. */
  get text(): Frame {
    this.#text ??= new Frame(this.#textCut.whole, true);
    return this.#text;
  }

  /** The carry at the tail after the chunk. */
  get carryAfter(): Uint8Array {
    return this.#textCut.carry;
  }

  get #textCut(): TextCut {
    this.#cut ??= cutText(this.carryBefore, this.bytes);
    return this.#cut;
  }
}
