/**
 * The server as a library: a Hono app that serves streams, and its stores.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { fstream } from "httpfstream";
 *
 * const app = new Hono();
 * app.route("/streams", fstream());
 * ```
 * @module
 */

export * from "./exports.ts";
export { createStreams, type FstreamOptions, fstream } from "./fstream.ts";
export { DURABILITIES, type Durability } from "./stores/file/durability.ts";
export { type FileStoreOptions, fileStore } from "./stores/file/store.ts";
