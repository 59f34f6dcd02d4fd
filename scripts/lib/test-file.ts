/**
 * Runs one test file in a separate process and returns its results.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { testArguments } from "./built.ts";
import { ROOT } from "./install.mjs";
import type { ReportLine, TestResult } from "./test-result.ts";

/** Milliseconds after which a test file counts as hanging. */
export const FILE_TIMEOUT_MS = 300_000;

/** Milliseconds for which a file may run on after its last test before that is said. */
const IDLE_MS = 3_000;

/** How much of the end of a failed file's output is shown, in characters. */
const OUTPUT_SHOWN = 8_000;

/** How the process of a test file ended. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** The end of its output. */
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Kills every running test file and the processes that it started. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

/** How a test file runs. */
export interface RunOptions {
  /** Milliseconds after which it is killed. Default: {@link FILE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** The executable of another Node to run it on; the tests then skip the other runtimes. */
  readonly node?: string;
  /** Environment variables for it. Default: none besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a test file. If it crashes, hangs, exits early or runs no test, the results contain a failure that says so.
 *
 * @param file The path of the test file, absolute or relative to the checkout.
 */
export async function runTestFile(file: string, options: RunOptions = {}): Promise<TestResult[]> {
  const { timeoutMs = FILE_TIMEOUT_MS } = options;
  const folder = mkdtempSync(join(tmpdir(), "test-report-"));
  const report = join(folder, "report.jsonl");
  try {
    const ending = await run(testArguments(file, report), timeoutMs, options);
    const lines = readReport(report);
    const last = lines.at(-1);
    if (last?.kind === "end" && last.idleMs > IDLE_MS) {
      console.error(`${file}: something kept it alive for ${Math.round(last.idleMs / 1000)} s after its last test`);
    }
    return judge(lines, ending, timeoutMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the file as the leader of a process group, so that the processes it leaves behind can be killed with it. */
function run(args: readonly string[], timeoutMs: number, { node, env: own }: RunOptions): Promise<Ending> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...own, ...(node !== undefined && { HTTPFSTREAM_TEST_RUNTIMES: "node" }) };
    const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
    const child = spawn(node ?? process.execPath, args, { cwd: ROOT, env, detached: true, stdio });
    running.add(child);
    let output = "";
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-OUTPUT_SHOWN);
      });
    }
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeoutMs);
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, signal, timedOut, output });
    };
    child.once("error", (error) => {
      output += String(error);
      finish(null, null);
    });
    child.once("exit", (code, signal) => {
      killGroup(child);
      // A daemon may keep the pipes open forever. Output from before the exit arrives well within a second.
      const closeTimer = setTimeout(() => finish(code, signal), 1_000);
      child.once("close", () => {
        clearTimeout(closeTimer);
        finish(code, signal);
      });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // The group has no processes left.
  }
}

function readReport(report: string): ReportLine[] {
  try {
    // What follows the last line break is empty, or was cut off by a kill.
    const lines = readFileSync(report, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as ReportLine);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // It crashed before its first test.
    throw error;
  }
}

function judge(report: readonly ReportLine[], ending: Ending, timeoutMs: number): TestResult[] {
  const results = report.filter((line) => line.kind !== "start" && line.kind !== "end");
  const wrong = misbehaviour(report, results, ending, timeoutMs);
  if (wrong === undefined) return results;
  return [...results, { kind: "fail", name: `(the file ${wrong})`, error: `The end of its output:\n${ending.output}` }];
}

/** The problem with the file as a whole, apart from failed tests; undefined if there is none. */
function misbehaviour(
  report: readonly ReportLine[],
  results: readonly TestResult[],
  { code, signal, timedOut }: Ending,
  timeoutMs: number,
): string | undefined {
  const end = signal ? `was ended by ${signal}` : `exited with code ${code}`;
  const last = report.findLast((line) => line.kind === "start")?.name;
  const begun = last === undefined ? "" : `; it last began "${last}"`;
  if (timedOut) return `was still running after ${timeoutMs / 1000} s${begun}`;
  if (report.length === 0) return `${end} before any test was done`; // The file may contain no test.
  if (report.at(-1)?.kind !== "end") return `${end} before its tests were done${begun}`;
  if (code !== 0 && results.every(({ kind }) => kind !== "fail")) return `${end}, although no test failed`;
  return results.length === 0 ? "ran no tests" : undefined;
}
