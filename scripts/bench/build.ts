/**
 * The checkout, built as it ships, in a temporary folder: what is measured is what is here, whoever else builds.
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** Programs for Node. */
export interface Built {
  /** `mod.js`, the server. */
  readonly server: string;
  /** `main.js` of the load generators. */
  readonly generator: string;
}

/** Builds below a folder. */
export function build(folder: string): Built {
  const built = join(folder, "built");
  mkdirSync(built);
  copyFileSync(join(ROOT, "package.json"), join(built, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(built, "node_modules"));
  const dist = join(built, "dist");
  const project = join(built, "tsconfig.json");
  writeFileSync(project, JSON.stringify(settings(dist)));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The checkout can't be built:\n${stdout}`);
  return { server: join(dist, "mod.js"), generator: join(dist, "scripts", "bench", "generator", "main.js") };
}

/** As the package is built, and the load generators beside it. */
function settings(outDir: string): object {
  return {
    extends: join(ROOT, "tsconfig.build.json"),
    compilerOptions: { rootDir: ROOT, outDir, declaration: false, isolatedDeclarations: false },
    files: [join(ROOT, "mod.ts"), join(ROOT, "scripts", "bench", "generator", "main.ts")],
    include: [join(ROOT, "src")],
  };
}
