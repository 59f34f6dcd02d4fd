/**
 * Runs a TypeScript file of the checkout on Node, even right after `git clone`: `node scripts/run.mjs FILE [args ...]`.
 *
 * The file runs in this process, so standard streams, signals and the exit code need no forwarding, and killing the
 * process leaves no child behind.
 * @module
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureInstalled, ROOT } from "./lib/install.mjs";

const [file, ...args] = process.argv.slice(2);
if (!file) {
  console.error("Usage: node scripts/run.mjs FILE [argument ...]");
  process.exit(2);
}
const script = resolve(ROOT, file);

// The packages of a store on NATS are installed only for one.
const named = [...args, process.env.HTTPFSTREAM_STORE ?? ""];
const scope = named.some((text) => /^(--store=)?(nats|tls):/i.test(text)) ? "nats" : "program";

try {
  await ensureInstalled(script === join(ROOT, "mod.ts") ? scope : "all");
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

// A dynamic import, because tsx may have been installed only just now.
const { register } = await import("tsx/esm/api");
register({ tsconfig: join(ROOT, "tsconfig.json") });

// npm runs scripts in the checkout, but relative paths refer to the folder in which the user called npm.
const { npm_command, INIT_CWD } = process.env;
if (npm_command && INIT_CWD && process.cwd() === ROOT) process.chdir(INIT_CWD);

process.argv = [process.execPath, script, ...args];
// The server starts itself once more for each of its workers: see src/cli/serve/workers/program.ts.
globalThis[Symbol.for("httpfstream.launcher")] = [fileURLToPath(import.meta.url), file];
await import(pathToFileURL(script).href);
