/**
 * A chunk on its way to followers: stored, and built in each form once.
 * @module
 */

import { cutText, type TextCut } from "../../protocol/utf8.ts";
import { Frame } from "./frame.ts";

/** A stored batch, and the offset just past it. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** A chunk on its way to the live set; each form of it is made when the first member asks for it. */
export class LiveChunk {
  readonly end: number;
  /** The bytes of an unfinished character that text followers at the tail had been waiting with. */
  readonly carryBefore: Uint8Array;
  readonly bytes: Uint8Array;
  #binary: Frame | undefined;
  #cut: TextCut | undefined;
  #text: Frame | undefined;

  /**
   * @param chunk What was stored.
   * @param carryBefore The carry at the tail before it.
   */
  constructor(chunk: Chunk, carryBefore: Uint8Array) {
    this.end = chunk.end;
    this.bytes = chunk.bytes;
    this.carryBefore = carryBefore;
  }

  /** All of it, for those who take any bytes. */
  get binary(): Frame {
    this.#binary ??= new Frame(this.bytes, false);
    return this.#binary;
  }

  /** What ends on a character boundary, for those who take text. May be empty. */
  get text(): Frame {
    this.#text ??= new Frame(this.#textCut.whole, true);
    return this.#text;
  }

  /** The carry at the tail after it. */
  get carryAfter(): Uint8Array {
    return this.#textCut.carry;
  }

  get #textCut(): TextCut {
    this.#cut ??= cutText(this.carryBefore, this.bytes);
    return this.#cut;
  }
}
