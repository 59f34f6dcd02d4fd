/** What a look at a stream says while its last bytes are stored: if it is closed, all of them are there. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Store, StoreStat } from "../../src/index.ts";
import { fileStore, memoryStore } from "../../src/index.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Streams that are closed while many look at them: a look takes several turns, and so does the last append. */
const STREAMS = 20;
const LOOKS = 30;

const FIRST = new TextEncoder().encode("one");
const LAST = new TextEncoder().encode("two");

describe("a look at a stream that is being closed", () => {
  let root: string;
  const stores: Record<string, () => Store> = {
    "a store of files": () => fileStore({ root }),
    "a store in memory": () => memoryStore(),
  };
  before(async () => {
    root = await temporaryFolder("closed-size");
  });
  after(() => removeFolder(root));

  for (const [name, open] of Object.entries(stores)) {
    it(`has the size of all of it, with ${name}`, async () => {
      const store = open();
      for (let n = 0; n < STREAMS; n++) {
        const path = `s${n}`;
        const handle = await store.claim(path);
        await handle.append(FIRST, { created: true, type: "text/plain" });
        const looks: Promise<StoreStat | undefined>[] = [];
        for (let look = 0; look < LOOKS; look++) {
          looks.push(store.stat(path));
          await turn();
        }
        await handle.append(LAST, { closed: {} });
        await handle.release("complete");
        for (const found of await Promise.all(looks)) {
          if (found?.stream?.closed) assert.equal(found.size, 6, path);
        }
      }
    });
  }
});
