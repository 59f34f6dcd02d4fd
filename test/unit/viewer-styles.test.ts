/** The styles that lines of the viewer inherit, over the edges of blocks, and the colours that are painted. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Blocks } from "../../src/viewer/page/bytes/blocks.ts";
import { paintOf } from "../../src/viewer/page/rows/colour.ts";
import { styleAfter } from "../../src/viewer/page/rows/screen.ts";
import { PLAIN, type Style } from "../../src/viewer/page/rows/style.ts";
import { Styles } from "../../src/viewer/page/rows/styles.ts";
import { BLOCK_BYTES } from "../../src/viewer/shared/messages.ts";
import { blocksOf, sourceOf } from "../fixture/viewed.ts";

const RED: Style = { ...PLAIN, foreground: 1 };

describe("the style that a line inherits", () => {
  test("is that of the last sequence before it, wherever the edge of a block cuts the sequence", async () => {
    for (const sequence of ["\x1b[0;31m", "\x1b[31m\x1b]8;;https://a.example/süß\x1b\\"]) {
      const bytes = Buffer.from(`${sequence}text`);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const line = Buffer.concat([Buffer.from("\n"), bytes, Buffer.from("\nnext\n")]);
        const content = Buffer.concat([Buffer.alloc(BLOCK_BYTES - cut - 1, "x"), line]);
        const style = await stylesOf(content).at(content.indexOf("next"));
        assert.deepEqual(style, styleAfter(sequence, PLAIN), `${JSON.stringify(sequence)}, ${cut}`);
      }
    }
  });

  test("is looked for in the block before, and no further", async () => {
    const far = Buffer.concat([Buffer.from("\x1b[31m\n"), Buffer.alloc(2 * BLOCK_BYTES, "line\n")]);
    const styles = stylesOf(far);
    for (const offset of [6, BLOCK_BYTES - 4, BLOCK_BYTES + 1, 2 * BLOCK_BYTES - 3])
      assert.deepEqual(await styles.at(startAt(far, offset)), RED, `${offset}`);
    assert.equal(await styles.at(startAt(far, 2 * BLOCK_BYTES + 4)), PLAIN);
    assert.equal(await styles.at(0), PLAIN);
  });

  test("does not depend on the way there, or on how the bytes came", async () => {
    const piece = fc.constantFrom(
      "\x1b[31m",
      "\x1b[0m",
      "\x1b[1;4m",
      "\n",
      "line\n",
      "x".repeat(5_000),
      "\x1b]8;;http://a.b\x07",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 60, maxLength: 150 }), fc.nat(9_999), async (pieces, cut) => {
        const content = Buffer.from(pieces.join(""));
        const starts = [...content.entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : []));
        const expected = new Map<number, Style>();
        const forward = stylesOf(content);
        for (const start of starts) expected.set(start, await forward.at(start));
        const grown = new Blocks(sourceOf(content));
        const styles = new Styles(grown);
        for (let at = 0; at < content.length; at += cut + 1_000) {
          grown.put(at, content.subarray(at, at + cut + 1_000));
          const start = starts.findLast((one) => one <= grown.size) ?? 0;
          await styles.at(start);
        }
        for (const start of starts.reverse()) assert.deepEqual(await styles.at(start), expected.get(start));
      }),
      { numRuns: 20 },
    );
  });
});

describe("the colours of text", () => {
  const COLOUR = fc.oneof(
    fc.constant(-1),
    fc.nat(255),
    fc.nat(0xffffff).map((colour) => 0x1000000 + colour),
  );

  test("have a contrast of at least 4.5 to a background that the text brings along", () => {
    fc.assert(
      fc.property(COLOUR, COLOUR, fc.boolean(), (foreground, background, inverse) => {
        const behind = inverse ? foreground : background;
        fc.pre(behind !== -1);
        const paint = paintOf({ ...PLAIN, foreground, background, inverse });
        assert.ok(contrast(paint.color ?? "", paint.background ?? "") >= 4.5, JSON.stringify(paint));
      }),
    );
  });

  test("have one of at least 4.5 to both themes and to marked lines", () => {
    const light = ["rgb(255 255 255)", "rgb(255 248 197)"];
    const dark = ["rgb(13 17 23)", "rgb(58 46 11)"];
    fc.assert(
      fc.property(COLOUR, (foreground) => {
        fc.pre(foreground !== -1);
        const [, onLight = "", onDark = ""] =
          /^light-dark\((rgb\([\d ]+\)), (rgb\([\d ]+\))\)$/.exec(paintOf({ ...PLAIN, foreground }).color ?? "") ?? [];
        for (const behind of light) assert.ok(contrast(onLight, behind) >= 4.5, `${onLight} on ${behind}`);
        for (const behind of dark) assert.ok(contrast(onDark, behind) >= 4.5, `${onDark} on ${behind}`);
      }),
    );
  });

  test("are left alone where they can be read", () => {
    assert.deepEqual(paintOf(PLAIN), {});
    assert.deepEqual(paintOf({ ...PLAIN, dim: true }), { color: "var(--faint)" });
    assert.deepEqual(paintOf({ ...PLAIN, hidden: true }), { color: "var(--faint)" });
    assert.deepEqual(paintOf({ ...PLAIN, foreground: 231, background: 16 }), {
      color: "rgb(255 255 255)",
      background: "rgb(0 0 0)",
    });
    assert.deepEqual(paintOf({ ...PLAIN, foreground: 244, background: 0x1000000 }), {
      color: "rgb(128 128 128)",
      background: "rgb(0 0 0)",
    });
    assert.deepEqual(paintOf({ ...PLAIN, foreground: 110, background: 16 }), {
      color: "rgb(135 175 215)",
      background: "rgb(0 0 0)",
    });
    assert.equal(paintOf({ ...PLAIN, inverse: true }).background, "var(--text)");
  });
});

function stylesOf(content: Buffer): Styles {
  return new Styles(blocksOf(content));
}

/** The first beginning of a line from an offset on. */
function startAt(content: Buffer, offset: number): number {
  return content.indexOf("\n", offset - 1) + 1;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
