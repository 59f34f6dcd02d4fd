/** The operating system: child processes, their processor time and memory, and a description of the machine. @module */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import process from "node:process";
import { ROOT } from "../lib/install.mjs";

/** Ticks per second in `/proc/<pid>/stat`, and the index of utime there, counted after the process name. */
const TICKS_PER_SECOND = 100;
const UTIME_FIELD = 11;

export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Ends a process with a signal, or with SIGKILL if that takes 15 seconds. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  child.kill(signal);
  await once(child, "close");
  clearTimeout(timer);
}

/** Returns the ids of a running process and its children. */
export function withChildren({ pid = -1 }: ChildProcess): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...children.split(" ").filter(Boolean).map(Number)];
}

/** Returns the processor time of processes in seconds, user and system time together. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may contain any characters, including spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[UTIME_FIELD]) + Number(fields[UTIME_FIELD + 1])) / TICKS_PER_SECOND;
  });
}

/** Returns the resident memory of processes in bytes, or with `VmHWM` its peak since the last {@link resetPeak}. */
export function residentBytes(pids: readonly number[], field: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, "m");
  return sum(pids, (pid) => Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024);
}

/** Resets the peak to the current resident memory. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Adds up numbers of processes, or returns NaN if there are none, as for a server on another machine. */
function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.length === 0 ? Number.NaN : pids.reduce((total, pid) => total + of(pid), 0);
}

/** The machine with its memory in GiB, the file system of the servers, and the commit. */
export type Machine = ReturnType<typeof describeMachine>;

/** Returns the description. The commit ends with `+` if measured files differ from it. */
export function describeMachine() {
  const output = (program: string, ...args: string[]): string =>
    spawnSync(program, args, { cwd: ROOT, encoding: "utf8" }).stdout?.trim() ?? "";
  const measured = ["src", "mod.ts", "package-lock.json", "scripts/bench"];
  const isChanged = output("git", "status", "--porcelain", "--", ...measured) !== "";
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `Linux ${release()} ${arch()}`,
    node: process.versions.node,
    storage: output("stat", "--file-system", "--format=%T", tmpdir()),
    commit: output("git", "rev-parse", "--short", "HEAD") + (isChanged ? "+" : ""),
  };
}
