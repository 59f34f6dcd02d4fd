/**
 * The processor time and memory of processes, as reported by Linux.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Ticks per second in `/proc/<pid>/stat`. */
const TICKS_PER_SECOND = 100;

/** The index of utime in `/proc/<pid>/stat`, counted after the process name. */
const UTIME_FIELD = 11;

/** Returns the processor time of processes in seconds, user and system time together. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = read(pid, "stat");
    // The name in parentheses may contain any characters, including spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[UTIME_FIELD]) + Number(fields[UTIME_FIELD + 1])) / TICKS_PER_SECOND;
  });
}

/** Returns the resident memory of processes, in bytes. */
export function residentBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => statusKib(pid, "VmRSS") * 1024);
}

/** Returns the peak of the resident memory of processes since the last {@link resetPeak}, in bytes. */
export function peakBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => statusKib(pid, "VmHWM") * 1024);
}

/** Resets the peak to the current resident memory. */
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
  // There are no process ids of a server on another machine.
  return pids.length === 0 ? Number.NaN : pids.reduce((total, pid) => total + of(pid), 0);
}
