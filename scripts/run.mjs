/**
 * Runs a TypeScript file of a checkout on Node, also right after `git clone`: `node scripts/run.mjs FILE [argument ...]`.
 *
 * The file runs in this very process: its input, output, signals and exit code need no forwarding,
 * and nothing stays behind when the process is killed.
 * @module
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ensureInstalled, ROOT } from "./lib/install.mjs";

const [file, ...args] = process.argv.slice(2);
if (!file) {
  console.error("Usage: node scripts/run.mjs FILE [argument ...]");
  process.exit(2);
}
const script = resolve(ROOT, file);

try {
  await ensureInstalled();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

// Imported only now: it may just have been installed.
const { register } = await import("tsx/esm/api");
register({ tsconfig: join(ROOT, "tsconfig.json") });

// npm runs scripts in the checkout; relative names are meant from where its user stands.
const { npm_command, INIT_CWD } = process.env;
if (npm_command && INIT_CWD && process.cwd() === ROOT) process.chdir(INIT_CWD);

process.argv = [process.execPath, script, ...args];
await import(pathToFileURL(script).href);
