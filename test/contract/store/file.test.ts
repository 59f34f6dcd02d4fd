/** The file store fulfils the Store contract. */
import { test } from "node:test";
import { storeSuite } from "../../../src/store/mod.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { fileClaimant, NO_PROCESSES } from "./elsewhere.ts";

await storeSuite({
  name: "fileStore",
  async open() {
    const root = await temporaryFolder("store");
    return {
      store: fileStore({ root }),
      again: () => fileStore({ root }),
      ...(NO_PROCESSES === undefined && { elsewhere: () => fileClaimant(root) }),
      close: () => removeFolder(root),
    };
  },
  test,
});
