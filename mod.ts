#!/usr/bin/env node
/**
 * httpfstream: one program appends to a stream, many programs follow it.
 *
 * As a library, this module exports the server. Run as a program, it is the `httpfstream` command.
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
import { existsSync, realpathSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

export type {
  BeginEvent,
  EndEvent,
  FailureEvent,
  Log,
  LogEvent,
  RefusalEvent,
  RequestEvent,
  ShutdownBeginEvent,
  ShutdownEndEvent,
  Transport,
} from "./src/engine/events.ts";
export { DEFAULT_LIMITS, type Limits } from "./src/engine/limits.ts";
export type {
  AppendHandle,
  ClaimOptions,
  Growth,
  SessionRecord,
  SessionRecords,
  Store,
  StoreEntry,
  StoreStat,
} from "./src/engine/storage/store.ts";
export { type FstreamOptions, fstream } from "./src/fstream.ts";
export type { EndedReason, EndReason } from "./src/protocol/end-reason.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  StreamError,
  type StreamErrorOptions,
  type WireForm,
} from "./src/protocol/errors.ts";
export type { StreamApp } from "./src/server/app.ts";
export { DURABILITIES, type Durability, type FileStoreOptions, fileStore } from "./src/stores/file/store.ts";
export { memoryStore } from "./src/stores/memory.ts";

if (runsAsProgram()) {
  // Not awaited: `require` can't load a module with a top-level await.
  import("./src/cli/mod.ts")
    .then(({ main }) => main(process.argv.slice(2), { fallback: "serve" }))
    .catch(explainDenial);
}

/** Prints a denied Deno permission as one sentence: the first imports already read the environment. */
function explainDenial(error: unknown): never {
  if (!(error instanceof Error) || error.name !== "NotCapable") throw error;
  console.error(`httpfstream: ${error.message}.`);
  process.exit(1);
}

/** Whether this file was started as the program, not imported by another program or bundled into it. */
function runsAsProgram(): boolean {
  const { main, url } = import.meta as { main?: boolean; url: string };
  if (!/\/mod\.[jt]s$/.test(url)) return false;
  if (main) return true;
  const started = process.argv[1];
  return started !== undefined && existsSync(started) && url === pathToFileURL(realpathSync(started)).href;
}
