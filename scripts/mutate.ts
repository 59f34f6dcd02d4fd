/**
 * `npm run mutate [-- FOLDER|FILE|FILE:LINE-LINE ...] [--only WORD,...]`: puts small faults into the code, one at a time,
 * and lists those that no test finds. `--only` takes the test files whose names have one of the words.
 * With `--build`, as Stryker calls it, compiles the code with all faults, of which a variable then selects one.
 * @module
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ROOT } from "./lib/install.mjs";

/**
 * Stryker, in the newest version for our oldest Node. It is not a dev dependency, because it brings more packages than
 * all others together, and runs only here. npm keeps it in its cache.
 */
const VERSION = "9.6.1";
const PACKAGES = ["@stryker-mutator/core", "@stryker-mutator/tap-runner"];

/** The folders that must reach the kill rate. */
const FOLDERS = ["src/protocol", "src/engine", "src/stores/file"];

/** The least percentage of faults that the tests must find. */
const KILL_RATE = 85;

/** The tests that are fast enough to run again for each fault: all of them together take less than two minutes. */
const TESTS = /^(unit\/.*|property\/(core|standing)|contract\/store\/(file|memory).*)\.test\.ts$/;

/** Tests of several processes, which are too slow for that. */
const SLOW = /file-(processes|journal|stalled|plain)/;

/** Runs of each property per fault. A normal test run makes a thousand. */
const RUNS = "40";

/** How long a test waits before it fails, in milliseconds. A fault often makes a test wait forever. */
const PATIENCE_MS = "10000";

/** How much longer than without a fault a test file may take, in milliseconds, so that a busy machine finds no fault. */
const TIMEOUT_MS = 20_000;

const TSX = pathToFileURL(join(ROOT, "node_modules", "tsx", "dist", "loader.mjs")).href;

/** The folder of the compiled code. Compiling it again in each of thousands of test processes would take hours. */
const BUILT = ".mutate";

const { values, positionals } = parseArgs({
  options: { build: { type: "string" }, only: { type: "string", default: "" } },
  allowPositionals: true,
});
if (values.build !== undefined) build(values.build);
else mutate(positionals.length > 0 ? positionals : FOLDERS, values.only.split(","));

function mutate(targets: readonly string[], words: readonly string[]): void {
  const tests = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => TESTS.test(file) && !SLOW.test(file) && words.some((word) => file.includes(word)))
    // The fastest first: the first failure ends the search.
    .sort((one, other) => Number(other.startsWith("unit/")) - Number(one.startsWith("unit/")))
    .map((file) => `${BUILT}/test/${file.replace(/ts$/, "js")}`);
  const configuration = {
    mutate: targets.map((target) => (/\.ts(:|$)/.test(target) ? target : `${target}/**/*.ts`)),
    // In a copy of the checkout that has no packages yet.
    buildCommand: `node --import ${TSX} scripts/mutate.ts --build ${ROOT}`,
    testRunner: "tap",
    tap: {
      testFiles: tests,
      nodeArgs: ["--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"],
      forceBail: true,
    },
    coverageAnalysis: "perTest",
    concurrency: 2,
    timeoutMS: TIMEOUT_MS,
    reporters: ["clear-text", "progress"],
    clearTextReporter: { allowColor: false, reportTests: false, logTests: false },
    // Most strings are messages for people. The tests compare codes.
    mutator: { excludedMutations: ["StringLiteral"] },
    thresholds: { high: KILL_RATE, low: KILL_RATE, break: KILL_RATE },
    // Stryker would rewrite the file, with a TypeScript that it does not bring.
    tsconfigFile: "none",
    ignorePatterns: ["dist", "docs", "examples", "deploy"],
    allowEmpty: true,
  };
  const folder = mkdtempSync(join(tmpdir(), "httpfstream-mutate-"));
  try {
    const file = join(folder, "stryker.json");
    writeFileSync(file, JSON.stringify(configuration));
    const packages = PACKAGES.map((name) => `--package=${name}@${VERSION}`);
    const { status } = spawnSync("npm", ["exec", "--yes", ...packages, "--", "stryker", "run", file], {
      cwd: ROOT,
      stdio: "inherit",
      env: { FSTREAM_RUNS: RUNS, FSTREAM_PATIENCE_MS: PATIENCE_MS, ...process.env },
      shell: process.platform === "win32",
    });
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(checkout: string): void {
  const project = "tsconfig.mutate.json";
  const compilerOptions = {
    rootDir: ".",
    outDir: BUILT,
    declaration: false,
    isolatedDeclarations: false,
    noCheck: true,
  };
  const settings = { extends: "./tsconfig.build.json", compilerOptions, include: ["src", "test"], exclude: [] };
  writeFileSync(project, JSON.stringify(settings));
  const tsc = join(checkout, "node_modules", "typescript", "bin", "tsc");
  process.exitCode = spawnSync(process.execPath, [tsc, "-p", project], { stdio: "inherit" }).status ?? 1;
  // For the programs that tests start from source.
  for (const folder of ["src", "test"]) cpSync(folder, join(BUILT, folder), { recursive: true });
}
