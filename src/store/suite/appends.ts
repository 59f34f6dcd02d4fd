/**
 * Appends: bytes are stored unchanged, at exact offsets.
 * @module
 */
import { assert } from "./assert.ts";
import { ALL_BYTES, bytesOf, concat, equalBytes, pieces, randomBytes, textOf } from "./bytes.ts";
import { type Cases, holding, put, readAll, stored } from "./cases.ts";

/** The cases. */
export const APPENDS: Cases = {
  "each append resolves with the new size, and the offset moves on with it": async ({ store }) => {
    await holding(store, "a.bin", async (handle) => {
      let size = 0;
      for (const piece of pieces(randomBytes(50_000, 1), 5_000, 2)) {
        size += piece.length;
        assert.equal(await handle.append(piece), size);
        assert.equal(handle.offset, size);
        assert.equal((await store.stat("a.bin"))?.size, size);
      }
    });
  },

  "every byte value is kept as it is": async ({ store }) => {
    await put(store, "a.bin", ALL_BYTES, ALL_BYTES.subarray(128), ALL_BYTES.subarray(0, 3));
    const expected = concat([ALL_BYTES, ALL_BYTES.subarray(128), ALL_BYTES.subarray(0, 3)]);
    assert.deepEqual(await stored(store, "a.bin"), expected);
  },

  "appended bytes can be read before the next append": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      for (const [at, word] of ["zero ", "one ", "two ", "three "].entries()) {
        const from = handle.offset;
        const to = await handle.append(bytesOf(word));
        assert.equal(textOf(await readAll(store.read("a.txt", from, to))), word, `word ${at}`);
      }
    });
  },

  "the caller may reuse its buffer after an append": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      const buffer = new Uint8Array(4);
      for (const word of ["one ", "two "]) {
        buffer.set(bytesOf(word));
        await handle.append(buffer);
      }
    });
    assert.equal(textOf(await stored(store, "a.txt")), "one two ");
  },

  "a view into a larger buffer is stored without the rest of the buffer": async ({ store }) => {
    await put(store, "a.txt", new Uint8Array(bytesOf("<<bytes>>")).subarray(2, 7));
    assert.equal(textOf(await stored(store, "a.txt")), "bytes");
  },

  "an empty batch changes nothing": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      assert.equal(await handle.append(new Uint8Array(0)), 0);
      await handle.append(bytesOf("x"));
      assert.equal(await handle.append(new Uint8Array(0)), 1);
    });
    assert.equal(textOf(await stored(store, "a.txt")), "x");
  },

  "a batch of many megabytes is stored whole": async ({ store }) => {
    const bytes = randomBytes(9 * 1024 * 1024 + 13, 3);
    assert.equal(await put(store, "a.bin", bytes), bytes.length);
    equalBytes(await stored(store, "a.bin"), bytes);
  },

  "appends after reopening go to the end": async ({ store, again }) => {
    let expected = "";
    for (let round = 0; round < 5; round++) {
      await put(round % 2 ? again() : store, "a/b.txt", `round ${round}\n`);
      expected += `round ${round}\n`;
    }
    assert.equal(textOf(await stored(again(), "a/b.txt")), expected);
  },

  "the time of the last write does not go back": async ({ store }) => {
    await put(store, "a.txt", "x");
    const before = await store.stat("a.txt");
    await put(store, "a.txt", "y");
    const after = await store.stat("a.txt");
    assert.ok(before && after && after.modified.getTime() >= before.modified.getTime());
    assert.equal(after.generation, before.generation, "it is the same resource");
  },
};
