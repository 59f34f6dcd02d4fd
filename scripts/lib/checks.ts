/**
 * The checks of `npm test`: one command each, counted as one test each.
 * @module
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";
import type { TestResult } from "./test-result.ts";

/** A command that exits with 0 if the check passes. */
export interface Check {
  /** The name that `--only` selects it by. */
  readonly group: string;
  readonly name: string;
  /** A script for Node, followed by its arguments. */
  readonly script: readonly string[];
}

const BIOME = join("node_modules", "@biomejs", "biome", "bin", "biome");
const TSC = join("node_modules", "typescript", "bin", "tsc");
const DENO = join("node_modules", "deno", "bin.cjs");
const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { exports: Record<string, string> };

/** All checks, in the order in which they run. */
export const CHECKS: readonly Check[] = [
  { group: "format", name: "format and lint", script: [BIOME, "ci", "--colors=off"] },
  { group: "types", name: "types", script: [TSC, "-p", "tsconfig.json"] },
  {
    group: "types",
    name: "types of the engine and the web entry, without any runtime",
    script: [TSC, "-p", "tsconfig.core.json"],
  },
  {
    group: "types",
    name: "types of the viewer page, in browsers",
    script: [TSC, "-p", join("src", "viewer", "tsconfig.json")],
  },
  { group: "types", name: "types on Deno", script: [DENO, "check", "--quiet", "mod.ts", ...Object.values(exports)] },
  { group: "viewer", name: "the viewer page is built", script: ["scripts/run.mjs", "scripts/viewer.ts", "--check"] },
  { group: "rooms", name: "rooms", script: ["scripts/run.mjs", "scripts/rooms.ts"] },
  { group: "documentation", name: "documentation of what is exported", script: ["scripts/run.mjs", "scripts/docs.ts"] },
  { group: "build", name: "build", script: ["scripts/build.mjs"] },
  { group: "build", name: "publishable to JSR", script: [DENO, "publish", "--quiet", "--dry-run", "--allow-dirty"] },
];

/** Runs a check. A failed check has its output as the error. */
export function runCheck({ name, script }: Check): Promise<TestResult> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, script, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => output.push(data));
    child.stderr.on("data", (data: Buffer) => output.push(data));
    child.once("close", (code) => {
      if (code === 0) resolve({ kind: "pass", name });
      else resolve({ kind: "fail", name, error: Buffer.concat(output).toString() });
    });
  });
}
