/**
 * A whole run: all candidates in all browsers, in turns, so that disturbances of the machine affect all alike.
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { inTurns } from "../bench/run.ts";
import { describeMachine, type Machine } from "../bench/system.ts";
import { answers } from "./answers.ts";
import { type BrowserName, executableOf, versionOf } from "./browsers.ts";
import { CANDIDATES } from "./candidates.ts";
import { writeLog } from "./log-file.ts";
import { follow, type Log, link, type Numbers, read, type Setting } from "./measure.ts";
import type { Part } from "./metrics.ts";
import type { Options } from "./options.ts";
import { type SizeName, sizeOf } from "./size.ts";
import { probeScript, type Started, start } from "./started.ts";

/** The measurements of one kind, of one candidate in one browser, with one log. */
export interface Row {
  readonly part: Part;
  /** In which browser; undefined for the answers of the server. */
  readonly browser: BrowserName | undefined;
  readonly candidate: string;
  /** Bytes of the log; 0 for one that grows. */
  readonly bytes: number;
  /** For each key one number for each round that succeeded. */
  readonly numbers: Record<string, number[]>;
  readonly failures: string[];
}

/** The results of a run, as written to the JSON file. */
export interface Results {
  readonly machine: Machine;
  readonly size: SizeName;
  readonly date: string;
  readonly rounds: number;
  minutes: number;
  readonly browsers: { readonly name: BrowserName; readonly version: string | undefined }[];
  readonly candidates: { readonly name: string; readonly title: string }[];
  readonly rows: Row[];
}

/** A row, and what measures it. */
interface Task {
  readonly row: Row;
  measure(round: number): Promise<Numbers>;
}

/** Runs the benchmark, and calls `progress` with a line per measurement. Ends after the current one if the signal is aborted. */
export async function run(options: Options, progress: (line: string) => void, signal: AbortSignal): Promise<Results> {
  const { size: name, rounds } = options;
  const began = new Date();
  const size = sizeOf(name);
  const machine = describeMachine();
  const below = mkdtempSync(join(tmpdir(), "httpfstream-bench-viewer-"));
  const clear = (): void => rmSync(below, { recursive: true, force: true });
  process.once("exit", clear);
  const folder = join(below, "logs");
  mkdirSync(folder);
  const server = await start(folder, join(below, "pages"));
  try {
    const logs = size.logs.map((bytes): Log => {
      const log = `${bytes / 1e6}-mb.log`;
      return { name: log, ...writeLog(join(folder, log), bytes) };
    });
    const executables = options.browsers.map((browser) => ({ browser, executable: executableOf(browser) }));
    for (const { browser, executable } of executables) {
      if (executable === undefined) progress(`${browser} is not installed, and is skipped`);
    }
    const probe = await probeScript();
    const tasks = executables.flatMap(({ browser, executable }) => {
      if (executable === undefined) return [];
      const candidates = CANDIDATES.filter((candidate) => options.only.includes(candidate.name));
      return candidates.flatMap((candidate) =>
        tasksOf({ browser, executable, candidate, server, folder, probe, size }, logs),
      );
    });
    tasks.push(...answering(server, folder, logs));
    const turns = Array.from({ length: rounds }, (_, round) => inTurns(tasks, round).map((task) => ({ round, task })));
    for (const { round, task } of turns.flat()) {
      if (signal.aborted) break;
      progress(`round ${round + 1}/${rounds}  ${await measured(task, round)}`);
    }
    return {
      ...{ machine, size: name, date: began.toISOString(), rounds },
      minutes: Math.round((Date.now() - began.getTime()) / 6_000) / 10,
      browsers: executables.map(({ browser, executable }) => ({
        name: browser,
        version: executable && versionOf(executable),
      })),
      candidates: CANDIDATES.filter((candidate) => options.only.includes(candidate.name)).map((candidate) => ({
        name: candidate.name,
        title: candidate.title,
      })),
      rows: tasks
        .map(({ row }) => row)
        .filter(({ numbers, failures }) => Object.keys(numbers).length + failures.length > 0),
    };
  } finally {
    await server.stop();
    process.off("exit", clear);
    clear();
  }
}

/** Measures, and adds the numbers or the failure to the row. Returns both as a line. */
async function measured({ row, measure }: Task, round: number): Promise<string> {
  const { part, browser = "server", candidate, bytes } = row;
  const title = [part, bytes > 0 ? `${bytes / 1e6} MB` : "", browser, candidate].filter(Boolean).join("  ");
  const outcome = await measure(round).catch((error: Error) => error);
  if (outcome instanceof Error) {
    row.failures.push(outcome.message.split("\n")[0] ?? "");
    return `${title}  FAILED: ${outcome.message}`;
  }
  for (const [key, value] of Object.entries(outcome)) {
    row.numbers[key] = [...(row.numbers[key] ?? []), Number(value.toPrecision(5))];
  }
  return `${title}  ${JSON.stringify(outcome)}`;
}

function tasksOf(setting: Setting, logs: readonly Log[]): Task[] {
  const { candidate, browser, size } = setting;
  const row = (part: Part, bytes: number): Row => ({
    ...{ part, browser, candidate: candidate.name, bytes, numbers: {}, failures: [] },
  });
  const shown = logs.filter(({ bytes }, at) => candidate.isOurs || (size.logs[at] ?? bytes) <= size.othersBytes);
  const readings = shown.map((log) => ({ row: row("read", log.bytes), measure: () => read(setting, log) }));
  const following = {
    row: row("follow", 0),
    measure: (round: number) => follow(setting, `${browser}-${candidate.name}-${round}.log`),
  };
  const links = logs.slice(-1).map((log) => ({ row: row("link", log.bytes), measure: () => link(setting, log) }));
  return [...readings, following, ...(candidate.isOurs ? links : [])];
}

function answering({ url }: Started, folder: string, logs: readonly Log[]): Task[] {
  const log = logs[logs.length - 1];
  if (!log) return [];
  const row: Row = { part: "answers", browser: undefined, candidate: "", bytes: log.bytes, numbers: {}, failures: [] };
  return [{ row, measure: () => answers(url, folder, log) }];
}
