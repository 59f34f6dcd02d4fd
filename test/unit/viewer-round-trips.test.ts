/** What the viewer page reads for a jump: all blocks that the rows depend on, in one round trip. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Blocks } from "../../src/viewer/page/bytes/blocks.ts";
import { LineIndex } from "../../src/viewer/page/bytes/line-index.ts";
import { Lines } from "../../src/viewer/page/bytes/lines.ts";
import { Overwritten } from "../../src/viewer/page/rows/overwritten.ts";
import { Styles } from "../../src/viewer/page/rows/styles.ts";
import { BLOCK_BYTES } from "../../src/viewer/shared/messages.ts";
import { sourceOf } from "../fixture/viewed.ts";

const LINE = "\x1b[32mgreen\x1b[0m\n";
const CONTENT = Buffer.from(LINE.repeat(Math.ceil((6.5 * BLOCK_BYTES) / LINE.length)));

/** Lets all settled promises run their reactions. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The blocks of a content whose reads are answered in round trips: all that wait are answered at once. */
class Network {
  readonly blocks: Blocks;
  readonly #waiting: (() => void)[] = [];

  constructor() {
    const source = sourceOf(CONTENT);
    const { read } = source;
    source.read = async (from, to) => {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return read(from, to);
    };
    this.blocks = new Blocks(source);
    this.blocks.size = CONTENT.length;
  }

  /** The number of reads per round trip until something is done. */
  async tripsOf(work: Promise<unknown>): Promise<number[]> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    const trips: number[] = [];
    for (;;) {
      await settled();
      if (isDone) break;
      trips.push(this.#waiting.length);
      for (const answer of this.#waiting.splice(0)) answer();
    }
    await done;
    return trips;
  }
}

/** Shows some lines as the page does: with those that were overwritten, and with their styles. */
async function show(styles: Styles, shown: ReturnType<Lines["from"]>): Promise<void> {
  await Promise.all((await shown).map(({ offset }) => styles.at(offset)));
}

describe("a jump", () => {
  it("takes one round trip, though its rows depend on three blocks", async () => {
    const network = new Network();
    const { blocks } = network;
    const lines = new Lines(blocks, new LineIndex());
    lines.overwritten = new Overwritten(blocks);
    const styles = new Styles(blocks);
    const middle = 2.5 * BLOCK_BYTES;
    const jump = async (): Promise<void> => show(styles, lines.from(await lines.row(middle), 40));
    assert.deepEqual(await network.tripsOf(jump()), [3]);
  });

  it("to the end takes one round trip, too", async () => {
    const network = new Network();
    const { blocks } = network;
    const lines = new Lines(blocks, new LineIndex());
    lines.overwritten = new Overwritten(blocks);
    assert.deepEqual(await network.tripsOf(show(new Styles(blocks), lines.before(lines.size, 40))), [2]);
  });

  it("fails as the read of its own block does, and with no other", async () => {
    const source = sourceOf(CONTENT);
    const { read } = source;
    source.read = async (from, to) => {
      if (from !== 2 * BLOCK_BYTES) throw new Error("Another block can't be read.");
      return read(from, to);
    };
    const blocks = new Blocks(source);
    blocks.size = CONTENT.length;
    const lines = new Lines(blocks, new LineIndex());
    const offset = 2.5 * BLOCK_BYTES;
    assert.equal(await lines.row(offset), CONTENT.lastIndexOf("\n", offset - 1) + 1);
    await assert.rejects(lines.row(offset + BLOCK_BYTES), /Another block/);
    await settled();
  });
});
