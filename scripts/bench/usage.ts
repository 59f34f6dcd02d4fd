/**
 * What processes cost, read from the operating system.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Ticks a second in `/proc/<pid>/stat`, as on every Linux. */
const TICKS_PER_SECOND = 100;

/** Where utime stands in `/proc/<pid>/stat`, counted from behind the name. */
const UTIME_FIELD = 11;

/** Seconds of processor time that processes have used, in user mode and in the kernel. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = read(pid, "stat");
    // The name in parentheses may hold anything, spaces included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[UTIME_FIELD]) + Number(fields[UTIME_FIELD + 1])) / TICKS_PER_SECOND;
  });
}

/** Bytes of memory that processes have in use now. */
export function residentBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => statusKib(pid, "VmRSS") * 1024);
}

/** The most bytes of memory that processes had in use since the last {@link resetPeak}. */
export function peakBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => statusKib(pid, "VmHWM") * 1024);
}

/** Begins to look for the peak anew. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusKib(pid: number, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(read(pid, "status"))?.[1] ?? 0);
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  // Of a server that runs elsewhere nothing is known.
  return pids.length === 0 ? Number.NaN : pids.reduce((total, pid) => total + of(pid), 0);
}
