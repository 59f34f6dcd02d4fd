/**
 * `npm run docs`: checks with Deno that everything that the package exports is documented, and that the types in its
 * signatures are exported too.
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "./lib/install.mjs";

/** Types of other packages in our signatures. Their packages export and document them. */
const OTHERS = ["Context", "Hono", "UpgradeWebSocket", "WebSocket"];

const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { exports: Record<string, string> };
const args = [join(ROOT, "node_modules", "deno", "bin.cjs"), "doc", "--lint", ...Object.values(exports)];
const { stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
if (error) throw error;
const output = stripVTControlCharacters(`${stdout}${stderr}`);
const found = [...output.matchAll(/^error\[(.+)\]: (.+)\n\s*--> (.+)$/gm)];
const problems = found.filter(
  ([, , message = ""]) => !OTHERS.some((name) => message.endsWith(` private type '${name}'`)),
);
for (const [, kind, message, place] of problems) console.error(`${place}: ${message} (${kind})`);
const isDone = found.length > 0 || /^Checked \d+ file/m.test(output);
if (!isDone) console.error(`deno doc --lint did not check anything:\n${output}`);
if (problems.length > 0 || !isDone) process.exitCode = 1;
