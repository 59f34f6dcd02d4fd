/**
 * The style that a line inherits: from the block that it begins in, and from the block before that. So it depends on
 * nothing but the offset.
 * @module
 */
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Block, Blocks } from "../bytes/blocks.ts";
import { textOf } from "./row.ts";
import { styleAfter } from "./screen.ts";
import { PLAIN, type Style } from "./style.ts";

/** Most blocks to remember. */
const MAX_KEPT = 64;

const ESCAPE = 27;
const NEWLINE = 10;

/** The styles at the beginnings of the lines of a block. */
interface Kept {
  /** How much of the block they are made of. */
  readonly length: number;
  readonly first: Style;
  readonly styles: readonly Style[] | undefined;
}

/** The styles that lines inherit. */
export class Styles {
  readonly #blocks: Blocks | undefined;
  readonly #kept = new Map<number, Kept>();

  /** @param blocks Where the sequences are; undefined if there are none. */
  constructor(blocks: Blocks | undefined) {
    this.#blocks = blocks;
  }

  /** The style at an offset at which a line begins. */
  async at(offset: number): Promise<Style> {
    const blocks = this.#blocks;
    if (offset === 0 || !blocks) return PLAIN;
    const number = Math.floor((offset - 1) / BLOCK_BYTES);
    const before = number === 0 ? undefined : await blocks.get(number - 1);
    const block = await blocks.get(number);
    const { first, styles } = this.#keptFor(number, block, before);
    return styles?.[block.starts.indexOf(offset)] ?? first;
  }

  #keptFor(number: number, block: Block, before: Block | undefined): Kept {
    const known = this.#kept.get(number);
    if (known?.length === block.length) return known;
    // A sequence may begin in the one and end in the other.
    const cut = before ? before.bytes.lastIndexOf(NEWLINE) + 1 : 0;
    const [head, tail] = [before?.bytes.subarray(0, cut), before?.bytes.subarray(cut) ?? new Uint8Array(0)];
    const first = head?.includes(ESCAPE) ? styleAfter(textOf(head), PLAIN) : PLAIN;
    const kept = { length: block.length, first, styles: stylesIn(block, number * BLOCK_BYTES, first, tail) };
    this.#kept.delete(number);
    this.#kept.set(number, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}

/** The style at each line; undefined if all of them have the first. The first line ends what was there before the block. */
function stylesIn(block: Block, from: number, first: Style, before: Uint8Array): Style[] | undefined {
  if (!block.bytes.includes(ESCAPE) && !before.includes(ESCAPE)) return undefined;
  let style = first;
  let at = 0;
  return block.starts.map((start) => {
    const bytes = block.bytes.subarray(at, start - from);
    const line = at === 0 && before.length > 0 ? joined(before, bytes) : bytes;
    at = start - from;
    if (line.includes(ESCAPE)) style = styleAfter(textOf(line), style);
    return style;
  });
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
