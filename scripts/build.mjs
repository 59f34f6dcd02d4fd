/**
 * Compiles mod.ts and src/ to JavaScript with type declarations, in dist/, and bundles the programs.
 * @module
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ensureInstalled, ROOT } from "./lib/install.mjs";

await ensureInstalled();
rmSync(join(ROOT, "dist"), { recursive: true, force: true });
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", join(ROOT, "tsconfig.build.json")], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
// A dynamic import, because esbuild may have been installed only just now.
const { bundlePrograms } = await import("./lib/bundle.mjs");
bundlePrograms(join(ROOT, "dist"));
