/**
 * `npm run mutate [-- FOLDER ...]`: puts small faults into the code, one at a time, and lists those that no test finds.
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./lib/install.mjs";

/**
 * Stryker, in the newest version for our oldest Node. It is no dev dependency, because it brings more packages than all
 * others together, and runs only here. npm keeps it in its cache.
 */
const VERSION = "9.6.1";
const PACKAGES = ["@stryker-mutator/core", "@stryker-mutator/tap-runner"];

/** The folders that must reach the kill rate. */
const FOLDERS = ["src/protocol", "src/engine", "src/stores/file"];

/** The least percentage of faults that the tests must find. */
const KILL_RATE = 85;

/** The tests that are fast enough to run again for each fault: all of them together take less than two minutes. */
const TESTS = /^(unit\/.*|property\/core|contract\/store\/(file|memory).*)\.test\.ts$/;

/** Tests of several processes, which are too slow for that. */
const SLOW = /file-(processes|journal|stalled|plain)/;

/** Runs of each property per fault. A normal test run makes a thousand. */
const RUNS = "40";

const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS;
const tests = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => TESTS.test(file) && !SLOW.test(file))
  .map((file) => `test/${file}`);

const configuration = {
  mutate: folders.map((folder) => (folder.endsWith(".ts") ? folder : `${folder}/**/*.ts`)),
  testRunner: "tap",
  tap: {
    testFiles: tests,
    nodeArgs: ["--import", "tsx", "--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"],
    forceBail: true,
  },
  coverageAnalysis: "perTest",
  concurrency: 2,
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
    env: { ...process.env, FSTREAM_RUNS: process.env["FSTREAM_RUNS"] ?? RUNS },
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
