/**
 * Runs one test file in a process of its own and says what came of it.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./install.mjs";
import type { ReportLine, TestResult } from "./test-result.ts";

/** How long one file may take before it counts as hanging, in milliseconds. */
export const FILE_TIMEOUT_MS = 300_000;

/** As much of a file's output is shown when it failed, in characters. */
const OUTPUT_SHOWN = 8_000;

/** How a file's process ended. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** The end of what it printed. */
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Ends every test file that runs, with the processes it started. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

/**
 * The results of a file. A file that crashes, hangs, leaves early or runs no test has a failed result that says so.
 *
 * @param file The test file, absolute or relative to the checkout.
 * @param timeoutMs How long it may take. Default {@link FILE_TIMEOUT_MS}.
 * @param node Another Node to run it on; its tests then leave the other runtimes out.
 */
export async function runTestFile(
  file: string,
  timeoutMs: number = FILE_TIMEOUT_MS,
  node?: string,
): Promise<TestResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "test-report-"));
  const report = join(folder, "report.jsonl");
  try {
    const reporter = new URL("./test-reporter.ts", import.meta.url).href;
    const options = ["--import", "tsx", `--test-reporter=${reporter}`, `--test-reporter-destination=${report}`];
    const ending = await run([...options, file], timeoutMs, node);
    return judge(readReport(report), ending, timeoutMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The file's process leads a group, so that what it started and left behind can be ended with it. */
function run(args: readonly string[], timeoutMs: number, node?: string): Promise<Ending> {
  return new Promise((resolve) => {
    const env = node === undefined ? process.env : { ...process.env, HTTPFSTREAM_TEST_RUNTIMES: "node" };
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
      // A daemon may hold the pipes open for ever; what was printed before the exit is here within a moment.
      const patience = setTimeout(() => finish(code, signal), 1_000);
      child.once("close", () => {
        clearTimeout(patience);
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
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // Nothing was left: as it should be.
  }
}

function readReport(report: string): ReportLine[] {
  try {
    // The piece after the last line break is empty, or was cut off by a kill.
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

/** What is wrong with the file as a whole, beside its failed tests. */
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
  if (report.length === 0) return `${end} before any test was done`; // It may not even have one.
  if (report.at(-1)?.kind !== "end") return `${end} before its tests were done${begun}`;
  if (code !== 0 && results.every(({ kind }) => kind !== "fail")) return `${end}, although no test failed`;
  return results.length === 0 ? "ran no tests" : undefined;
}
