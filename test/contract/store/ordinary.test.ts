/** A store whose reads are ordinary streams fulfils the Store contract. */
import { test } from "node:test";
import { storeSuite } from "../../../src/store/mod.ts";
import { ordinaryStore } from "../../fixture/ordinary-store.ts";

await storeSuite({ name: "a store of ordinary streams", open: () => ({ store: ordinaryStore() }), test });
