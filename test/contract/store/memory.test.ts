/** The memory store fulfils the Store contract. */
import { test } from "node:test";
import { storeSuite } from "../../../src/store/mod.ts";
import { memoryStore } from "../../../src/stores/memory.ts";

await storeSuite({ name: "memoryStore", open: () => ({ store: memoryStore() }), test });
