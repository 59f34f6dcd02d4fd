/** A store whose operations are timed for the metrics fulfils the Store contract. */
import { test } from "node:test";
import { timedStore } from "../../../src/metrics/timed-store.ts";
import { storeSuite } from "../../../src/store/mod.ts";
import { memoryStore } from "../../../src/stores/memory.ts";

await storeSuite({ name: "a timed store", open: () => ({ store: timedStore(memoryStore(), () => {}) }), test });
