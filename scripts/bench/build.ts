/**
 * The checkout, built as it ships, in a temporary folder: what is measured is what is here, whoever else builds.
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** Builds below a folder, and returns the program: `node PROGRAM serve`. */
export function build(folder: string): string {
  const built = join(folder, "built");
  mkdirSync(built);
  copyFileSync(join(ROOT, "package.json"), join(built, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(built, "node_modules"));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(built, "dist")];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`The checkout can't be built:\n${stdout}`);
  return join(built, "dist", "mod.js");
}
