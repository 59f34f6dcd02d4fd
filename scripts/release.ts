/**
 * `npm run release -- 0.2.0`: makes a release and publishes it to npm and JSR.
 *
 * It needs a clean checkout of `main` and entries under "Unreleased" in the changelog. It runs all tests, writes the version
 * where it belongs, commits, tags, and publishes. With `--dry-run` it changes nothing and lets npm and Deno rehearse. With
 * `--no-publish` it stops after the tag. With `--no-test` it skips the tests.
 * @module
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "./lib/install.mjs";

const USAGE = "Usage: npm run release -- VERSION [--dry-run] [--no-publish] [--no-test]";

/** The files that name the version, and how each of them does. */
const VERSION_FILES: Readonly<Record<string, RegExp>> = {
  "package.json": /("version": ")([^"]+)(")/,
  // The lock file names it twice: for itself, and for the package at its root.
  "package-lock.json": /("name": "httpfstream",\s+"version": ")([^"]+)(")/g,
  "deno.json": /("version": ")([^"]+)(")/,
  "src/cli/common/version.ts": /(VERSION = ")([^"]+)(")/,
};

const { values, positionals } = parseArgs({
  options: { "dry-run": { type: "boolean" }, "no-publish": { type: "boolean" }, "no-test": { type: "boolean" } },
  allowPositionals: true,
});
const [version = ""] = positionals;
const isDry = values["dry-run"] === true;

try {
  release();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function release(): void {
  check();
  if (!values["no-test"]) run("npm", "test", "--", "--all");
  const changelog = released(read("CHANGELOG.md"));
  const files = Object.entries(VERSION_FILES).map(([file, pattern]) => [file, versioned(file, pattern)] as const);
  if (isDry) {
    for (const [file] of files) console.log(`${file}: version ${version}`);
    console.log("CHANGELOG.md: the unreleased entries become those of this version");
  } else {
    for (const [file, text] of files) writeFileSync(join(ROOT, file), text);
    writeFileSync(join(ROOT, "CHANGELOG.md"), changelog);
    run("git", "commit", "--quiet", "--all", "--message", `Release ${version}`);
    run("git", "tag", `v${version}`);
  }
  if (values["no-publish"]) return;
  const rehearsal = isDry ? ["--dry-run"] : [];
  run("npm", "publish", ...rehearsal);
  run(join("node_modules", ".bin", "deno"), "publish", ...rehearsal, ...(isDry ? ["--allow-dirty"] : []));
}

/** @throws {Error} if there is no version, or this checkout can't be released. */
function check(): void {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`"${version}" is not a version.\n${USAGE}`);
  const { version: current } = JSON.parse(read("package.json")) as { version: string };
  if (!isNewer(version, current)) throw new Error(`The version is ${current} already; ${version} is not newer.`);
  if (git("tag", "--list", `v${version}`) !== "") throw new Error(`The tag v${version} exists already.`);
  const changes = git("status", "--porcelain");
  if (changes !== "") throw new Error(`There are changes that are not committed:\n${changes}`);
  const branch = git("branch", "--show-current");
  if (branch !== "main") throw new Error(`A release is made on the branch main, not on "${branch}".`);
}

/** Whether one version is newer than another. */
function isNewer(one: string, other: string): boolean {
  const [left, right] = [one.split(".").map(Number), other.split(".").map(Number)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && (left[at] ?? 0) > (right[at] ?? 0);
}

/** The changelog with the unreleased entries under this version. */
function released(text: string): string {
  if (!/## Unreleased\n\n- /.test(text)) throw new Error('CHANGELOG.md has no entries under "## Unreleased".');
  const today = new Date().toISOString().slice(0, 10);
  return text.replace("## Unreleased\n", `## Unreleased\n\n## ${version} (${today})\n`);
}

function versioned(file: string, pattern: RegExp): string {
  const text = read(file);
  const result = text.replace(pattern, `$1${version}$3`);
  if (result === text) throw new Error(`${file} names no version where it is expected.`);
  return result;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
}

function run(command: string, ...args: string[]): void {
  console.log(`$ ${[command, ...args].join(" ")}`);
  execFileSync(command, args, { cwd: ROOT, stdio: "inherit" });
}
