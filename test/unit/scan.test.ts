/** Line counts and searches without a server, compared with the simplest implementations. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BLOCK_BYTES, BlockCounts } from "../../src/engine/scan/block-counts.ts";
import { Literal } from "../../src/engine/scan/literal.ts";
import { countNewlines } from "../../src/engine/scan/newlines.ts";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";
import { type Hit, type SearchEnd, search } from "../../src/engine/scan/search.ts";
import { memoryStore } from "../../src/index.ts";
import { terminalText, textOffsets } from "../fixture/terminal-text.ts";
import { settings } from "../property/settings.ts";

const RUNS = 300;

/** Bytes, many of which are line feeds, or differ from one in a single bit. */
const lineBytes = fc.uint8Array({ maxLength: 3_000 }).map((bytes) => {
  return bytes.map((byte) => (byte < 60 ? 0x0a : byte < 120 ? 0x0a ^ (1 << (byte % 8)) : byte));
});

/** All hits, by the simplest implementation. */
function expectedHits(bytes: Uint8Array, text: string, from: number): Hit[] {
  const offsets = textOffsets(bytes.subarray(from)).map((offset) => offset + from);
  const plain = Buffer.from(offsets.map((offset) => bytes[offset] ?? 0));
  const hits: Hit[] = [];
  for (let at = plain.indexOf(text); at !== -1; at = plain.indexOf(text, at + Buffer.byteLength(text))) {
    const offset = offsets[at] ?? -1;
    hits.push({ offset, lineStart: offset === 0 ? 0 : bytes.lastIndexOf(0x0a, offset - 1) + 1 });
  }
  return hits;
}

async function searched(
  bytes: Uint8Array,
  text: string,
  { from = 0, limit = Number.MAX_SAFE_INTEGER, ignoreCase = false } = {},
): Promise<{ hits: Hit[]; end: SearchEnd }> {
  const store = memoryStore();
  const handle = await store.claim("a");
  await handle.append(bytes);
  await handle.release("complete");
  const { generation = "" } = (await store.stat("a")) ?? {};
  const literal = new Literal(text, { ignoreCase });
  const range = { store, turns: new ScanTurns(), path: "a", generation, from, to: bytes.length };
  const found = search({ ...range, literal, limit, signal: new AbortController().signal });
  const hits: Hit[] = [];
  for (;;) {
    const { done, value } = await found.next();
    if (done) return { hits, end: value };
    hits.push(...value);
  }
}

describe("line feeds", () => {
  it("are counted in any range, at any alignment", () => {
    fc.assert(
      fc.property(lineBytes, fc.nat(7), fc.nat(3_000), fc.nat(3_000), (bytes, shift, one, other) => {
        const memory = new Uint8Array(bytes.length + shift + 8).fill(0x0a);
        memory.set(bytes, shift);
        const view = memory.subarray(shift, shift + bytes.length);
        const [from = 0, to = 0] = [one, other].map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b);
        const expected = bytes.subarray(from, to).filter((byte) => byte === 0x0a).length;
        assert.equal(countNewlines(view, from, to), expected);
      }),
      settings(RUNS),
    );
  });

  it("are counted where every byte is one, beyond 255 per byte of a word", () => {
    for (const length of [1_020, 1_024, 70_001]) {
      assert.equal(countNewlines(new Uint8Array(length).fill(0x0a), 0, length), length);
      assert.equal(countNewlines(new Uint8Array(length).fill(0x8a), 0, length), 0);
    }
  });

  it("are counted by block, however the bytes arrive", () => {
    const bytes = new Uint8Array(BLOCK_BYTES * 40 + 5).map((_, index) => (index % 7 === 0 ? 0x0a : 0x61));
    const expected: number[] = [];
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      expected.push(bytes.subarray(at, at + BLOCK_BYTES).filter((byte) => byte === 0x0a).length);
    }
    for (const step of [999, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES * 3 + 1, bytes.length]) {
      const counts = new BlockCounts();
      for (let at = 0; at < bytes.length; at += step) counts.add(bytes.subarray(at, at + step));
      assert.equal(counts.size, bytes.length);
      assert.deepEqual(counts.from(0), expected);
      assert.deepEqual(counts.from(38), expected.slice(38));
    }
  });
});

describe("a literal", () => {
  it("is found in the same places with and without the help of the runtime", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "ä"), minLength: 1, maxLength: 4 });
    const content = fc.string({ unit: fc.constantFrom("a", "b", "ä"), maxLength: 60 });
    fc.assert(
      fc.property(text, content, fc.nat(20), fc.nat(20), (wanted, all, before, behind) => {
        const memory = new TextEncoder().encode(`ab${all}`);
        const bytes = memory.subarray(2);
        const [from, to] = [Math.min(before, bytes.length), Math.max(0, bytes.length - behind)];
        const expected = from < to ? Buffer.from(bytes.subarray(0, to)).indexOf(wanted, from) : -1;
        const literal = new Literal(wanted, { ignoreCase: false });
        const range = [bytes, from, Math.max(from, to)] as const;
        assert.deepEqual([literal.find(...range), literal.findByForms(...range)], [expected, expected]);
      }),
      settings(RUNS),
    );
  });

  it("that repeats itself is found in the same places, in all its forms", () => {
    const units = ["a", "b", "ä", "Ä", "A", "\u{1f600}", "σ", "ς"];
    const part = fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength: 2 });
    const text = fc
      .tuple(part, fc.integer({ min: 1, max: 25 }), part)
      .map(([one, times, other]) => one.repeat(times) + other);
    const content = fc.array(fc.oneof(text, fc.constantFrom("\xff", "c"))).map((parts) => parts.join(""));
    const folded = (characters: string): Buffer =>
      Buffer.from(
        characters.replace(/[ABÄΣς]/gu, (one) => (one === "ς" ? "σ" : one.toLowerCase())),
        "utf8",
      );
    fc.assert(
      fc.property(text, content, fc.nat(9), (wanted, all, before) => {
        const whole = `123456789${all}${wanted.toUpperCase()}`;
        const bytes = new TextEncoder().encode(whole);
        const found = (ignoreCase: boolean): number =>
          new Literal(wanted, { ignoreCase }).find(bytes, before, bytes.length);
        const needsBoth = wanted.includes("σ") && wanted.includes("ς");
        assert.equal(found(false), Buffer.from(bytes).indexOf(wanted, before));
        // A final sigma alone does not match where another one is asked for.
        if (needsBoth || !/[σς]/.test(wanted)) assert.equal(found(true), folded(whole).indexOf(folded(wanted), before));
      }),
      settings(RUNS),
    );
  });

  it("takes about as long for any text", () => {
    const length = 4_000;
    for (const text of ["a".repeat(500), `${"a".repeat(250)}b${"a".repeat(249)}`, `${"ab".repeat(200)}ba`, "error"]) {
      for (const wanted of [text, [...text].reverse().join(""), text.slice(1, 12)]) {
        const unit = wanted.slice(0, 2);
        const memory = new TextEncoder().encode(unit.repeat(length / unit.length).slice(0, length));
        let reads = 0;
        const counted = new Proxy(memory, {
          get(bytes, name) {
            reads++;
            return Reflect.get(bytes, name);
          },
        });
        const literal = new Literal(`${wanted}c`, { ignoreCase: true });
        assert.equal(literal.findByForms(counted, 0, length), -1);
        assert.ok(reads < 12 * length, `${reads} looks at ${length} bytes for ${wanted.slice(0, 20)}`);
        const inside = new Literal(`${wanted}c${wanted}`, { ignoreCase: true });
        reads = 0;
        assert.equal(inside.findByForms(counted, 0, length), -1);
        assert.ok(reads < 12 * length, `${reads} looks at ${length} bytes for c between ${wanted.slice(0, 20)}`);
      }
    }
  });
});

describe("a search", () => {
  it("finds the same hits as the simplest implementation", async () => {
    const texts = fc.constantFrom("a", "b", "ab", "aa", "aab", "ä", "aä", "b\na", "\n");
    await fc.assert(
      fc.asyncProperty(terminalText, texts, async (bytes, text) => {
        assert.deepEqual((await searched(bytes, text)).hits, expectedHits(bytes, text, 0));
      }),
      settings(RUNS),
    );
  });

  it("continues after a limited one, and after the end of the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(terminalText, fc.constantFrom("a", "ab", "aab"), fc.nat(300), async (bytes, text, cut) => {
        const hits: Hit[] = [];
        let from = 0;
        for (const size of [Math.min(cut, bytes.length), bytes.length]) {
          for (let isLimited = true; isLimited; ) {
            const found = await searched(bytes.subarray(0, size), text, { from, limit: 2 });
            assert.ok(found.hits.length <= 2);
            ({ next: from, isLimited } = found.end);
            hits.push(...found.hits);
          }
        }
        assert.deepEqual(hits, expectedHits(bytes, text, 0));
      }),
      settings(RUNS),
    );
  });

  it("finds the line of a hit far before its beginning", async () => {
    const bytes = new TextEncoder().encode(`first\n${"x".repeat(300_000)}needle needle\nneedle`);
    const from = 200_000;
    const { hits } = await searched(bytes, "needle", { from });
    assert.deepEqual(hits, expectedHits(bytes, "needle", from));
    assert.deepEqual([hits[0]?.lineStart, hits.length], [6, 3]);
    const oneLine = new TextEncoder().encode(`${"x".repeat(200_000)}needle`);
    assert.deepEqual((await searched(oneLine, "needle", { from: 150_000 })).hits, [{ offset: 200_000, lineStart: 0 }]);
  });

  it("finds a text among nearly equal bytes, and many hits at once", async () => {
    const length = 300_000;
    const bytes = new Uint8Array(length).fill(0x61);
    bytes[length - 600] = 0x62;
    const text = `${"a".repeat(400)}b${"a".repeat(400)}`;
    assert.deepEqual((await searched(bytes, text)).hits, [{ offset: length - 1_000, lineStart: 0 }]);
    assert.equal((await searched(bytes, "a")).hits.length, length - 1);
  });

  it("without regard to case finds both forms of a character if they have the same length", async () => {
    const found = async (content: string, text: string): Promise<number> => {
      const { hits } = await searched(new TextEncoder().encode(content), text, { ignoreCase: true });
      return hits.length;
    };
    assert.equal(await found("Straße STRASSE ΣΊΣΥΦΟΣ ПРИВЕТ привет", "ПриВет"), 2);
    assert.equal(await found("Straße STRASSE", "straße"), 1);
    assert.equal(await found("Straße STRASSE", "strasse"), 1);
    assert.equal(await found("i I İ ı", "i"), 2);
    assert.equal(await found("[x] {X}", "[X]"), 1, "a bracket has no case");
  });
});
