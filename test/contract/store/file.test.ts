/** The file store fulfils the Store contract. */
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { storeContract } from "./suite.ts";

storeContract({
  name: "fileStore",
  async open() {
    const root = await temporaryFolder("store");
    return { store: fileStore({ root }), again: () => fileStore({ root }), close: () => removeFolder(root) };
  },
});
