/**
 * Builds the checkout as it ships into a separate folder, so that other builds do not affect a measurement.
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** The compiled programs, for Node. */
export interface Built {
  /** The path of the server, `mod.js`. */
  readonly server: string;
  /** The path of the load generator, `main.js`. */
  readonly generator: string;
}

/**
 * Builds the server and the load generator in a subfolder of `folder`.
 *
 * @throws {Error} if the checkout does not compile.
 */
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

/** The compiler options of the package, with the load generator as an additional entry. */
function settings(outDir: string): object {
  return {
    extends: join(ROOT, "tsconfig.build.json"),
    compilerOptions: { rootDir: ROOT, outDir, declaration: false, isolatedDeclarations: false },
    files: [join(ROOT, "mod.ts"), join(ROOT, "scripts", "bench", "generator", "main.ts")],
    include: [join(ROOT, "src")],
  };
}
