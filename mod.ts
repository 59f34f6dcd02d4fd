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

export * from "./src/index.ts";

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
