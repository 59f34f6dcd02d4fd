/**
 * Compiles mod.ts and src/ to JavaScript with type declarations, in dist/.
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
process.exit(status ?? 1);
