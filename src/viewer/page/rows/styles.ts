/**
 * The style that a line inherits: from the block that it begins in, and from the block before that. So it depends on
 * nothing but the offset.
 * @module
 */
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Block, Blocks } from "../bytes/blocks.ts";
import { styleAfter } from "./screen.ts";
import { PLAIN, type Style } from "./style.ts";

/** Most blocks to remember. */
const MOST_KEPT = 64;

const ESCAPE = 27;
const LATIN = new TextDecoder("latin1");

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
    const first = before?.bytes.includes(ESCAPE) ? styleAfter(LATIN.decode(before.bytes), PLAIN) : PLAIN;
    const kept = { length: block.length, first, styles: stylesIn(block, number * BLOCK_BYTES, first) };
    this.#kept.delete(number);
    this.#kept.set(number, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}

/** The style at each line; undefined if all of them have the first. */
function stylesIn(block: Block, from: number, first: Style): Style[] | undefined {
  if (!block.bytes.includes(ESCAPE)) return undefined;
  let style = first;
  let at = 0;
  return block.starts.map((start) => {
    const line = block.bytes.subarray(at, start - from);
    at = start - from;
    if (line.includes(ESCAPE)) style = styleAfter(LATIN.decode(line), style);
    return style;
  });
}
