/** The memory store fulfils the Store contract. */
import { memoryStore } from "../../../src/stores/memory.ts";
import { storeContract } from "./suite.ts";

storeContract({
  name: "memoryStore",
  async open() {
    const store = memoryStore();
    return { store, again: () => store, close: async () => {} };
  },
});
