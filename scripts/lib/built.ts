/**
 * Compiled copies of the program and of the tests. They start several times faster than the sources, and no test that
 * rebuilds dist/ affects them.
 * @module
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { bundle, bundlePrograms } from "./bundle.mjs";
import { compile } from "./compile.ts";
import { ROOT } from "./install.mjs";

/** The tests of these folders run from source: they test the scripts, which are not compiled. */
const FROM_SOURCE = /^test\/(bench|chaos|docs|package)\//;

const REPORTER = "scripts/lib/test-reporter.ts";

/** The folders with the programs that tests start. */
const PROGRAMS = ["src/cli/bin", "test/fixture"];

/**
 * Compiles the program and the tests as the build does, and passes the folders to the tests in the environment variables
 * HTTPFSTREAM_BUILT and HTTPFSTREAM_BUNDLED. Removes the folder when this process exits. Does nothing if the tests can't be compiled.
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
  bundleWithPackages(join(folder, "dist"), join(folder, "bundled"));
  process.env.HTTPFSTREAM_BUILT = join(folder, "dist");
  process.env.HTTPFSTREAM_BUNDLED = join(folder, "bundled");
  process.env.HTTPFSTREAM_PROJECT = join(ROOT, "/");
}

/**
 * Bundles the programs that tests start, packages included: tests start them more than a thousand times, and each start then
 * costs half the processor time. What is installed from npm, and tested in test/package, has its packages beside it.
 */
function bundleWithPackages(dist: string, bundled: string): void {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const require = "const require = __httpfstreamRequire(import.meta.url);";
  bundle({
    entryPoints: PROGRAMS.flatMap((folder) =>
      readdirSync(join(dist, folder))
        .filter((name) => name.endsWith(".js"))
        .map((name) => join(dist, folder, name)),
    ),
    outdir: bundled,
    outbase: dist,
    chunkNames: "chunks/[name]-[hash]",
    // The tools of the tests load files of their own. What is imported from prom-client, only Node can find.
    external: [...Object.keys(devDependencies).filter((name) => name !== "hono"), "prom-client"],
    // Packages in CommonJS require the modules of Node.
    banner: { js: `import { createRequire as __httpfstreamRequire } from "node:module";\n${require}` },
  });
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
