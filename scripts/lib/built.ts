/**
 * The program as it ships, in a folder of its own, for tests that start it over and over: it starts twice as fast as the
 * sources, is what users get, and no test that builds takes it away from another.
 * @module
 */
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";

/** Copies what was just built, and tells the tests where it is; it is removed when this process ends. */
export function offerBuilt(): void {
  const folder = mkdtempSync(join(tmpdir(), "httpfstream-built-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
  // Some tests run it as somebody else.
  chmodSync(folder, 0o755);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cpSync(join(ROOT, "dist"), join(folder, "dist"), { recursive: true });
  process.env.HTTPFSTREAM_BUILT = join(folder, "dist");
}
