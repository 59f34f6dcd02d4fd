/** The memory store fulfils the Store contract. */
import { test } from "node:test";
import { storeSuite } from "../../../src/store/mod.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import { ordinaryStore } from "../../fixture/ordinary-store.ts";

await storeSuite({ name: "memoryStore", open: () => ({ store: memoryStore() }), test });
await storeSuite({ name: "a store of ordinary streams", open: () => ({ store: ordinaryStore() }), test });
