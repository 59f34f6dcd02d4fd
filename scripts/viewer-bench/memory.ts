/**
 * The memory of the processes of browsers.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Bytes of memory of the largest process with pages, of the browsers that this process has started: now, and at most. */
export function memoryOfPages(): { readonly now: number; readonly peak: number } {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const parent = /^PPid:\s+(\d+)/m.exec(readProc(name, "status"))?.[1];
    if (/^\d+$/.test(name) && parent) parents.set(Number(name), Number(parent));
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
  const pages = [...parents.keys()]
    .filter((pid) => isOurs(pid) && /--type=renderer|-contentproc/.test(readProc(String(pid), "cmdline")))
    .map((pid) => {
      const status = readProc(String(pid), "status");
      return { now: kibOf(status, "VmRSS") * 1024, peak: kibOf(status, "VmHWM") * 1024 };
    });
  return pages.reduce((most, page) => (page.peak > most.peak ? page : most), { now: 0, peak: 0 });
}

function kibOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(join("/proc", pid, file), "utf8");
  } catch {
    return ""; // It has ended.
  }
}
