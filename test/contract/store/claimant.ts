/**
 * A process with a store, which does what the suite of the Store contract asks on standard input, a line at a time. Its
 * arguments are the module that makes the store, from the root of the project, the name of the function there, and its
 * options as JSON.
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { StoreLifecycle } from "../../../src/engine/storage/store-lifecycle.ts";
import { storeActor } from "../../../src/store/mod.ts";

const [module = "", name = "", options = "{}"] = process.argv.slice(2);
// `npm test` runs compiled copies.
const extension = import.meta.url.endsWith(".js") ? ".js" : ".ts";
const { href } = new URL(`../../../${module.replace(/\.ts$/, extension)}`, import.meta.url);
const made = (await import(href))[name](JSON.parse(options));
const act = storeActor(new StoreLifecycle(made).store);
for await (const line of createInterface({ input: process.stdin })) console.log(await act(line));
