/** What `fstream()` makes of its options. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

describe("fstream()", () => {
  it("refuses a store together with what only the file store has", () => {
    const store = memoryStore();
    assert.throws(() => fstream({ store, root: "data" }), { name: "TypeError", message: /either "root" or "store"/ });
    assert.throws(() => fstream({ store, durability: "disk" }), {
      name: "TypeError",
      message: /either "durability" or "store"/,
    });
  });

  it("refuses a root without a name, which would be the working directory", () => {
    assert.throws(() => fstream({ root: "" }), { name: "TypeError", message: /root folder has no name/ });
  });

  it("refuses unknown options, and names those that exist", () => {
    assert.throws(() => fstream({ folder: "data" } as never), { name: "TypeError", message: /"folder".*root, durab/ });
  });

  it("reads as much at once as limits.readBytes says", async () => {
    const root = await temporaryFolder("fstream");
    await writeFile(join(root, "a.txt"), "0123456789");
    const app = fstream({ root, limits: { readBytes: 4 } });
    const { body } = await app.request("/a.txt");
    const sizes: number[] = [];
    for await (const piece of body as ReadableStream<Uint8Array>) sizes.push(piece.length);
    await app.close();
    await removeFolder(root);
    assert.deepEqual(sizes, [4, 4, 2]);
  });
});
