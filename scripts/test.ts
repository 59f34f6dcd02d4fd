/**
 * `npm test`: sets up, then runs all checks and all tests. Works in a fresh clone.
 *
 *     npm test                          everything except what takes long and shows little that is new
 *     npm test -- --all                 that, too; see lib/short-run.ts
 *     npm test -- --only types,wire     the check groups and test files whose name contains one of the words
 *     npm test -- test/unit             the same
 *     npm test -- --only node24,wire    the same for "wire", and also on that version of Node
 *
 * The last line is `N passed, N failed`, followed by `, N skipped` if tests were skipped.
 * @module
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, sep } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { offerBuilt } from "./lib/built.ts";
import { CHECKS, runCheck } from "./lib/checks.ts";
import { ROOT } from "./lib/install.mjs";
import { offerInstallation } from "./lib/installation.ts";
import { natsServer } from "./lib/nats-server.ts";
import { NODE_VERSIONS, type NodeVersion, nodeExecutable } from "./lib/node-versions.ts";
import { LEFT_OUT_RUNTIMES, LONG_FILES, quieter, shortened } from "./lib/short-run.ts";
import { killAll, runTestFile } from "./lib/test-file.ts";
import { counts, type TestResult } from "./lib/test-result.ts";

/** Debian packages of the programs that tests run. */
const DEBIAN_PACKAGES = ["chromium-headless-shell", "curl", "firefox-esr", "openssl", "tmux"];

/** How many test files run at once: at most two for the processors, and two more because many tests mostly wait. */
const CONCURRENCY: number = Math.min(2, availableParallelism()) + 2;

/** The arguments with which the other runtimes print where their executable is. */
const WHERE = {
  deno: ["eval", "console.log(Deno.execPath())"],
  bun: ["-e", "console.log(process.execPath)"],
} as const;

/** The test files that use the package as its users get it. */
const INSTALLED = /^test\/(docs|package\/installed)/;

/** A test file, and the version of Node it runs on. Default: the version that runs this script. */
interface Task {
  readonly file: string;
  readonly on?: NodeVersion;
}

/** A check or test file that has run, with its results. */
interface Step {
  readonly title: string;
  readonly results: readonly TestResult[];
}

const began = Date.now();
const steps: Step[] = [];

process.once("SIGINT", () => abort(130));
process.once("SIGTERM", () => abort(143));

const { given, all } = selection();
const versions = NODE_VERSIONS.filter(({ name }) => given.length === 0 || given.includes(name));
const words = given.filter((word) => NODE_VERSIONS.every(({ name }) => name !== word));
const hasNames = words.length > 0 || given.length === 0;
const selected = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word));
const checks = hasNames ? CHECKS.filter(({ group }) => selected(group)) : [];
const files = hasNames ? testFiles().filter(selected) : [];
/** Whether tests that take long run in a shorter version. */
const isShort = !all && given.length === 0;
const leftOut = files.filter((file) => file in LONG_FILES && !all && !words.includes(nameOf(file)));
const tasks: Task[] = [...files.filter((file) => !leftOut.includes(file)).map((file) => ({ file })), ...onVersions()];
if (checks.length + tasks.length + leftOut.length === 0)
  stop(2, `No check and no test file has ${words.join(" or ")} in its name.`);

setUp();
for (const file of leftOut)
  steps.push({ title: file, results: [{ kind: "skip", name: file, reason: reasonOf(file) }] });
if (isShort) steps.push({ title: "runtimes", results: LEFT_OUT_RUNTIMES });
await together(checks, availableParallelism(), (check) => step(check.name, async () => [await runCheck(check)]));
if (steps.some(({ title, results }) => title === "build" && results.every(({ kind }) => kind === "pass"))) offerBuilt();
const installed = files.some((file) => INSTALLED.test(file)) ? step("the package installs", installation) : undefined;
await together(mixed(tasks.filter((task) => !runsElsewhere(task))), CONCURRENCY, runTask);
await installed;
summarize();

/** The words that select tests, from `--only a,b` and from the positional arguments, and whether files that take long run. */
function selection(): { given: string[]; all: boolean } {
  const options = { only: { type: "string", multiple: true }, all: { type: "boolean", default: false } } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const words = [...(values.only ?? []), ...positionals].flatMap((value) => value.split(","));
    return { given: words.filter((word) => word !== ""), all: values.all };
  } catch (error) {
    return stop(2, `${(error as Error).message}\nUsage: npm test -- [--all] [--only WORD,...] [WORD ...]`);
  }
}

/** What `--only` calls a file, such as "unit/path". */
function nameOf(file: string): string {
  return file.replace(/^test\/|\.test\.ts$/g, "");
}

function reasonOf(file: string): string {
  return `takes long; it runs with --all, or with --only ${nameOf(file)}. Always run: ${LONG_FILES[file]}`;
}

function testFiles(): string[] {
  return readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .map((file) => `test/${file.split(sep).join("/")}`)
    .filter((file) => file.endsWith(".test.ts"))
    .sort();
}

/** Sets up what a fresh machine lacks, apart from the dependencies that run.mjs has already installed. */
function setUp(): void {
  // Their npm packages unpack the executable on the first call. Two first calls at once could run a half-written one.
  for (const [runtime, question] of Object.entries(WHERE)) {
    const wrapper = join(ROOT, "node_modules", ".bin", runtime);
    const { status, stdout } = spawnSync(wrapper, question, { encoding: "utf8" });
    // The tests start the executable itself, as often as they need it.
    process.env[`HTTPFSTREAM_${runtime.toUpperCase()}`] = stdout?.trim();
    if (status !== 0) {
      const remedy = `npm rebuild --ignore-scripts=false ${runtime}`;
      stop(1, `The ${runtime} in node_modules does not run; was its install script forbidden? Try "${remedy}".`);
    }
  }
  for (const { version } of versions) nodeExecutable(version);
  // A failure is not fatal: tests that need a missing program are skipped and report why.
  spawnSync(join(ROOT, "scripts", "debian.sh"), DEBIAN_PACKAGES, { stdio: ["ignore", 2, 2] });
  // Fetched here, once: several test files need it.
  const nats = files.some((file) => file.startsWith("test/cluster/")) ? natsServer() : undefined;
  if (nats && "missing" in nats) console.error(`\nNO CLUSTER TESTS: ${nats.missing}\n`);
}

/** Installs the package for the files that use it. */
async function installation(name: string): Promise<TestResult[]> {
  const error = await offerInstallation().catch(String);
  return [error === undefined ? { kind: "pass", name } : { kind: "fail", name, error }];
}

/** The files that also run on the other versions of Node. */
function onVersions(): Task[] {
  return versions.flatMap((on) => on.files.filter(selected).map((file) => ({ file, on })));
}

/**
 * Whether a test that is about Node alone already runs on another version of Node. It is then not run on the version
 * that runs this script, which lies between the others.
 */
function runsElsewhere({ file, on }: Task): boolean {
  const isAboutNode = file.endsWith("-node.test.ts");
  return (
    !on &&
    isAboutNode &&
    tasks.some((task) => task.on && task.file === file && "path" in nodeExecutable(task.on.version))
  );
}

/**
 * Spreads the files of each folder over the whole run. Those of one folder need the same: some the processor, some only
 * time. Side by side they would overload the machine at one time and leave it idle at another.
 */
function mixed(list: readonly Task[]): Task[] {
  const folders = new Map<string, Task[]>();
  for (const task of list) {
    const folder = `${dirname(task.file)} ${task.on?.name}`;
    // The wire suite takes longest: begun last, it would run alone.
    const others = folders.get(folder) ?? [];
    folders.set(folder, basename(task.file).startsWith("wire-") ? [task, ...others] : [...others, task]);
  }
  const placed = [...folders.values()].flatMap((inside) =>
    inside.map((task, index) => ({ task, place: (index + 0.5) / inside.length })),
  );
  return placed.sort((one, other) => one.place - other.place).map(({ task }) => task);
}

/** Works on all of a list, on some at once, in its order. */
async function together<T>(list: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...list];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function runTask({ file, on }: Task): Promise<void> {
  if (INSTALLED.test(file)) await installed;
  if (on) await step(`${file} on ${on.name} (${on.version})`, (title) => runOn(on, file, title));
  else await step(file, () => runTestFile(file, isShort ? { env: shortened(file) } : {}));
}

async function runOn({ version }: NodeVersion, file: string, title: string): Promise<TestResult[]> {
  const node = nodeExecutable(version);
  if ("path" in node) return runTestFile(file, { node: node.path, env: isShort ? quieter(file) : {} });
  const { missing, isExpected } = node;
  return [isExpected ? { kind: "skip", name: title, reason: missing } : { kind: "fail", name: title, error: missing }];
}

/** Runs one check or file, keeps its results and prints a line about it. */
async function step(title: string, work: (title: string) => Promise<TestResult[]>): Promise<void> {
  const start = Date.now();
  const results = await work(title);
  steps.push({ title, results });
  const word = results.some(({ kind }) => kind === "fail") ? "FAILED" : "ok";
  console.log(`${word.padEnd(6)}  ${title}: ${counts(results)} (${seconds(start)})`);
}

function summarize(): void {
  list("Skipped", "skip", ({ reason }) => `: ${reason}`);
  list("Failed", "fail", ({ error }) => `\n${error?.trimEnd().replace(/^/gm, "      ")}\n`);
  const results = steps.flatMap((step) => step.results);
  console.log(`\nTook ${seconds(began)}.`);
  console.log(counts(results));
  process.exitCode = results.every(({ kind }) => kind !== "fail") ? 0 : 1;
}

function list(heading: string, wanted: TestResult["kind"], detail: (result: TestResult) => string): void {
  const lines = steps.flatMap(({ title, results }) =>
    results
      .filter(({ kind }) => kind === wanted)
      .map((result) => `  ${result.name === title ? title : `${title}: ${result.name}`}${detail(result)}`),
  );
  if (lines.length > 0) console.log(`\n${heading}:\n${lines.join("\n")}`);
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function abort(code: number): never {
  killAll();
  process.exit(code);
}

function stop(code: number, message: string): never {
  console.error(message);
  process.exit(code);
}
