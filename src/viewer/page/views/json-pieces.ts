/**
 * Long lines of JSON, each shown as several rows: one for each member of an object and each element of an array.
 *
 * Where a row begins depends only on the bytes of the line before it, so growth changes nothing. What is known after each block
 * of the path is kept: how deep the JSON is nested there, and whether it is within a string.
 * @module
 */

import { incompleteTail } from "../../../protocol/utf8.ts";
import { BLOCK_BYTES } from "../../shared/messages.ts";
import { type Line, Lines, lastAtMost } from "../bytes/lines.ts";

/** Most bytes of a line that are cut into pieces. What follows is one piece. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Lines with at most this many bytes are shown unchanged; of a longer piece, this many bytes are shown at first. */
const CLIP_BYTES = 4 * 1024;

/** Most bytes of a piece that are shown. */
const WHOLE_BYTES = 1024 * 1024;

/** Blocks whose pieces are kept. */
const MAX_KEPT = 16;

/** Deepest nesting that is shown by an indent. */
const MAX_INDENT = 40;

const [SPACE, QUOTE, BACKSLASH, COMMA] = [0x20, 0x22, 0x5c, 0x2c];

/** The square brackets. Braces differ from them in one bit. */
const [OPENING, CLOSING] = [0x5b, 0x5d];

/** The context of a byte of JSON: its depth, and what came before it. */
interface Place {
  readonly depth: number;
  readonly behind: "open" | "comma" | "string" | "escape" | "other";
}

/** The beginning of a line. */
const BEGINNING: Place = { depth: 0, behind: "other" };

/** A long line of JSON, which is cut up to its end, or as far as it may be. */
interface LongLine {
  readonly start: number;
  readonly next: number;
  readonly isEnded: boolean;
  readonly end: number;
}

/** The pieces that begin in a range of bytes. */
interface Cut {
  readonly starts: readonly number[];
  readonly depths: readonly number[];
  /** The context of the next byte. */
  readonly end: Place;
}

/** A line, or a piece of one. */
export interface Piece extends Line {
  /** How deep it is nested. */
  readonly depth: number;
}

/** The indent of a line: 0 unless it is a piece. */
export function depthOf(line: Line | Piece): number {
  return "depth" in line ? Math.min(MAX_INDENT, line.depth) : 0;
}

/** Cuts bytes of JSON: before each member, each element, and each closing bracket. Empty brackets stay together. */
export function cut(bytes: Uint8Array, from: number, place: Place): Cut {
  const starts: number[] = [];
  const depths: number[] = [];
  let { depth, behind } = place;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (behind === "string" || behind === "escape") [at, behind] = endOfString(bytes, at, behind === "escape");
    else if (byte > SPACE) {
      const isClosing = isBracket(byte, CLOSING);
      if (isClosing) depth = Math.max(0, depth - 1);
      if (begins(isClosing, behind)) {
        starts.push(from + at);
        depths.push(depth);
      }
      behind = placeBehind(byte);
      if (behind === "open") depth++;
    }
  }
  return { starts, depths, end: { depth, behind } };
}

/** Whether a piece begins with a character: with one behind a bracket or comma, or with a closing bracket. */
function begins(isClosing: boolean, behind: Place["behind"]): boolean {
  if (isClosing) return behind !== "open";
  return behind === "open" || behind === "comma";
}

/** The last byte of a string, or of the part of it that has arrived, and what precedes the next byte. */
function endOfString(bytes: Uint8Array, from: number, isEscaped: boolean): [number, Place["behind"]] {
  for (let at = isEscaped ? from + 1 : from; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return [at, "other"];
    if (bytes[at] === BACKSLASH && ++at === bytes.length) return [at, "escape"];
  }
  return [bytes.length, "string"];
}

function placeBehind(byte: number): Place["behind"] {
  if (isBracket(byte, OPENING)) return "open";
  if (byte === COMMA) return "comma";
  return byte === QUOTE ? "string" : "other";
}

/** Lines of JSON. Long ones are cut into pieces. */
export class JsonLines extends Lines {
  /**
   * The contexts at the beginnings of the blocks of long lines, by the offset of the line and the number of the block
   * in it.
   */
  readonly #places = new Map<number, Place[]>();
  readonly #kept = new Map<string, Cut>();

  readonly #whole = new Set<number>();
  /** The line that was asked for last, at a size of the path: most questions are about the same one. */
  #found: { readonly start: number; readonly size: number; readonly long: LongLine | undefined } | undefined;

  override expand(offset: number): void {
    super.expand(offset);
    this.#whole.add(offset);
  }

  override async floor(offset: number): Promise<number> {
    const start = await super.floor(offset);
    const long = await this.#long(start);
    return long ? (await this.#pieceAt(long, offset)).offset : start;
  }

  override async line(offset: number): Promise<Line> {
    const long = await this.#long(await super.floor(offset));
    if (!long) return super.line(offset);
    const { depth } = await this.#pieceAt(long, offset);
    const after = await this.#startAfter(long, offset);
    const next = after ?? long.next;
    const isEnded = after !== undefined || long.isEnded;
    const end = after === undefined && isEnded ? next - 1 : next;
    const most = this.#whole.has(offset) ? WHOLE_BYTES : CLIP_BYTES;
    const read = await this.bytes(offset, Math.min(end, offset + most));
    const bytes = end - offset > most ? read.subarray(0, read.length - incompleteTail(read)) : read;
    const piece: Piece = {
      offset,
      next,
      isEnded,
      bytes,
      more: end - offset - bytes.length,
      isExpanded: most === WHOLE_BYTES,
      depth,
    };
    return piece;
  }

  override number(offset: number): number | undefined {
    return this.startsAt(offset) ? super.number(offset) : undefined;
  }

  /** A long line of JSON; undefined for any other line, and for all lines if some are chosen. */
  async #long(start: number): Promise<LongLine | undefined> {
    const { size } = this;
    if (this.only || size - start <= CLIP_BYTES) return undefined;
    if (this.#found?.start !== start || this.#found.size !== size) {
      this.#found = { start, size, long: await this.#longAt(start) };
    }
    return this.#found.long;
  }

  async #longAt(start: number): Promise<LongLine | undefined> {
    const { next, isEnded } = await super.line(start);
    if (next - start <= CLIP_BYTES) return undefined;
    const beginning = await this.bytes(start, start + CLIP_BYTES);
    const first = beginning.find((byte) => byte > SPACE) ?? 0;
    if (!isBracket(first, OPENING)) return undefined;
    return { start, next, isEnded, end: Math.min(next, start + MAX_BYTES) };
  }

  /** The piece that has a byte of a long line. */
  async #pieceAt(long: LongLine, offset: number): Promise<{ readonly offset: number; readonly depth: number }> {
    const { start, end } = long;
    for (let block = blockOf(Math.min(offset, end - 1)); block >= blockOf(start); block--) {
      const { starts, depths } = await this.#cutOf(long, block);
      const at = lastAtMost(starts, offset);
      const found = starts[at];
      if (found !== undefined) return { offset: found, depth: depths[at] ?? 0 };
    }
    return { offset: start, depth: 0 };
  }

  /** Where the next piece begins; undefined for the last one. */
  async #startAfter(long: LongLine, offset: number): Promise<number | undefined> {
    for (let block = blockOf(offset); block * BLOCK_BYTES < long.end; block++) {
      const { starts } = await this.#cutOf(long, block);
      const found = starts[lastAtMost(starts, offset) + 1];
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The pieces of a long line that begin in a block. */
  async #cutOf({ start, end }: LongLine, block: number): Promise<Cut> {
    const first = blockOf(start);
    const places = this.#places.get(start) ?? [BEGINNING];
    this.#places.set(start, places);
    const known = Math.min(block - first, places.length - 1);
    let found: Cut | undefined;
    // The last block up to which the line is known, and those behind it, in their order.
    for (let at = first + known; at <= block; at++) {
      const from = Math.max(start, at * BLOCK_BYTES);
      const to = Math.min(end, (at + 1) * BLOCK_BYTES);
      const key = `${from} ${to}`;
      const place = places[at - first] ?? BEGINNING;
      found = this.#kept.get(key) ?? cut(await this.bytes(from, to), from, place);
      this.#keep(key, found);
      if (to === (at + 1) * BLOCK_BYTES) places[at - first + 1] = found.end;
    }
    return found ?? { starts: [], depths: [], end: BEGINNING };
  }

  #keep(key: string, found: Cut): void {
    this.#kept.delete(key);
    this.#kept.set(key, found);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function isBracket(byte: number, bracket: number): boolean {
  return (byte & 0xdf) === bracket;
}

function blockOf(offset: number): number {
  return Math.floor(offset / BLOCK_BYTES);
}
