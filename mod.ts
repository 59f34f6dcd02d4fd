#!/usr/bin/env node
/**
 * httpfstream: one program writes, many watch.
 *
 * As a library this is the server module; run as a program it is the `httpfstream` command.
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

export { type ErrorCode, StreamError, type StreamErrorOptions, WIRE_FORMS, type WireForm } from "./src/core/errors.ts";
export { DEFAULT_LIMITS, type Limits } from "./src/core/limits.ts";
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
} from "./src/core/log.ts";
export type {
  AppendHandle,
  ClaimOptions,
  EndReason,
  Growth,
  SessionRecord,
  SessionRecords,
  Store,
  StoreEntry,
  StoreStat,
} from "./src/core/store.ts";
export type { StreamApp } from "./src/faces/app.ts";
export { type FstreamOptions, fstream } from "./src/fstream.ts";
export { DURABILITIES, type Durability } from "./src/stores/file/durability.ts";
export { type FileStoreOptions, fileStore } from "./src/stores/file/store.ts";
export { memoryStore } from "./src/stores/memory.ts";

if (runsAsProgram()) {
  // Not awaited at the top level, which would keep `require` from loading this module.
  import("./src/cli/main.ts")
    .then(({ main }) => main(process.argv.slice(2), { fallback: "serve" }))
    .catch(explainDenial);
}

/** What is loaded first looks at the environment, which Deno may not allow. */
function explainDenial(error: unknown): never {
  if (!(error instanceof Error) || error.name !== "NotCapable") throw error;
  console.error(`httpfstream: ${error.message}.`);
  process.exit(1);
}

/** Whether this very file was started, and not a program that imports it or has it in its bundle. */
function runsAsProgram(): boolean {
  const { main, url } = import.meta as { main?: boolean; url: string };
  if (!/\/mod\.[jt]s$/.test(url)) return false;
  if (main) return true;
  const started = process.argv[1];
  return started !== undefined && existsSync(started) && url === pathToFileURL(realpathSync(started)).href;
}
