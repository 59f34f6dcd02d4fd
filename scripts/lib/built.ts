/**
 * Compiled copies of the program and of the tests. They start several times faster than the sources, and no test that
 * rebuilds dist/ affects them.
 * @module
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { bundlePrograms } from "./bundle.mjs";
import { compile } from "./compile.ts";
import { ROOT } from "./install.mjs";

/** The tests of these folders run from source: they test the scripts, which are not compiled. */
const FROM_SOURCE = /^test\/(bench|chaos|docs|package)\//;

const REPORTER = "scripts/lib/test-reporter.ts";

/**
 * Compiles the program and the tests as the build does, and passes the folder to the tests in the environment variable
 * HTTPFSTREAM_BUILT. Removes the folder when this process exits. Does nothing if the tests can't be compiled.
 */
export function offerBuilt(): void {
  const folder = mkdtempSync(join(tmpdir(), "httpfstream-built-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Some tests run the program as another user.
  chmodSync(folder, 0o755);
  const complaint = compile(folder, { files: [REPORTER], folders: ["test"] });
  if (complaint !== undefined) {
    console.error(complaint);
    return;
  }
  bundlePrograms(join(folder, "dist"));
  process.env.HTTPFSTREAM_BUILT = join(folder, "dist");
  process.env.HTTPFSTREAM_PROJECT = join(ROOT, "/");
}

/** The arguments with which Node runs a test file and writes its results to `report`. */
export function testArguments(file: string, report: string): string[] {
  const built = compiled(file);
  const reporter = pathToFileURL((built && compiled(REPORTER)) ?? join(ROOT, REPORTER)).href;
  return [
    ...(built ? ["--enable-source-maps"] : ["--import", "tsx"]),
    ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${report}`, built ?? file],
  ];
}

/** The compiled copy of a file of the checkout; undefined if it does not exist. */
function compiled(file: string): string | undefined {
  const folder = process.env.HTTPFSTREAM_BUILT;
  if (folder === undefined || FROM_SOURCE.test(file)) return undefined;
  const built = join(folder, file.replace(/\.ts$/, ".js"));
  return existsSync(built) ? built : undefined;
}
