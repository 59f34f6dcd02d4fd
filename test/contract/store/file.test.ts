/** The file store fulfils the Store contract. */
import { test } from "node:test";
import { storeSuite } from "../../../src/store/mod.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";

await storeSuite({
  name: "fileStore",
  async open() {
    const root = await temporaryFolder("store");
    return { store: fileStore({ root }), again: () => fileStore({ root }), close: () => removeFolder(root) };
  },
  test,
});
