/** What a listing can be asked for: a wrong option is refused by each store, and does not end the listing without a word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListOptions, Store } from "../../src/engine/storage/store.ts";
import { guardedStore } from "../../src/engine/storage/store-guard.ts";
import { fileStore, memoryStore } from "../../src/index.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** A store of another author, which shows its row however it is asked. */
const careless = (): Store =>
  Object.assign(Object.create(memoryStore()), {
    list: async () => [{ name: "a", kind: "file", size: 1, modified: new Date() }],
  });

async function rowsIn(store: Store, options: unknown): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of (await store.list("", options as ListOptions)) ?? []) names.push(name);
  return names;
}

test("each store refuses a limit that is no number of rows, and a name that is none", async () => {
  const root = await temporaryFolder("list-options");
  const memory = memoryStore();
  for (const store of [fileStore({ root }), memory, guardedStore(careless())]) {
    for (const limit of [Number.NaN, -1, 1.5, null, "1", 1n, {}]) {
      await assert.rejects(rowsIn(store, { limit }), {
        code: "bad_request",
        path: "",
        message: /"limit" must be a whole/,
      });
    }
    for (const after of [5, null, {}]) {
      await assert.rejects(rowsIn(store, { after }), { code: "bad_request", message: /"after" must be a name/ });
    }
    for (const limit of [undefined, 0, 1, Number.POSITIVE_INFINITY]) await rowsIn(store, { limit });
  }
  const handle = await memory.claim("a");
  await handle.append(Uint8Array.of(1));
  await handle.release("complete");
  assert.deepEqual(await rowsIn(memory, { limit: Number.POSITIVE_INFINITY, after: "A" }), ["a"]);
  assert.deepEqual(await rowsIn(memory, { limit: 0 }), []);
  await removeFolder(root);
});
