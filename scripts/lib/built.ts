/**
 * A copy of the build for tests that start the program often. It starts twice as fast as the sources, it is what users
 * run, and no test that rebuilds dist/ affects it.
 * @module
 */
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";

/**
 * Copies dist/ to a temporary folder and passes its path to the tests in the environment variable HTTPFSTREAM_BUILT.
 * Removes the copy when this process exits.
 */
export function offerBuilt(): void {
  const folder = mkdtempSync(join(tmpdir(), "httpfstream-built-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
  // Some tests run the program as another user.
  chmodSync(folder, 0o755);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cpSync(join(ROOT, "dist"), join(folder, "dist"), { recursive: true });
  process.env.HTTPFSTREAM_BUILT = join(folder, "dist");
}
