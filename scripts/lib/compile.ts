/**
 * Compiles the checkout into a folder, as the build does.
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";

/** What to compile besides mod.ts and src/: files, and whole folders. */
export interface More {
  readonly files: readonly string[];
  readonly folders?: readonly string[];
}

/**
 * Compiles into `dist` of a folder, which may not exist yet, without a check of the types: that takes most of the time,
 * and the check group "types" does it. Returns what the compiler has to say if it fails.
 */
export function compile(folder: string, { files, folders = [] }: More): string | undefined {
  const project = join(folder, "tsconfig.json");
  const from = (names: readonly string[]): string[] => names.map((name) => join(ROOT, name));
  const settings = {
    extends: join(ROOT, "tsconfig.build.json"),
    compilerOptions: {
      ...{ rootDir: ROOT, outDir: join(folder, "dist"), noCheck: true },
      // Tests may import fixtures in JavaScript.
      ...{ declaration: false, isolatedDeclarations: false, allowJs: true },
    },
    files: from(["mod.ts", ...files]),
    include: from(["src", ...folders]),
  };
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(project, JSON.stringify(settings));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
  });
  return status === 0 ? undefined : stdout;
}
