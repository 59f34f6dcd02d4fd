/**
 * The browsers, and what their processes need.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { type Browser, chromium, firefox, type Page } from "playwright-core";

/** The names of the browsers. */
export const BROWSERS = ["chromium", "firefox"] as const;

/** The name of a browser. */
export type BrowserName = (typeof BROWSERS)[number];

const EXECUTABLES: Readonly<Record<BrowserName, readonly string[]>> = {
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  firefox: ["firefox", "firefox-esr"],
};

/** The file of an installed browser; undefined if there is none. */
export function executableOf(name: BrowserName): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return EXECUTABLES[name]
    .flatMap((program) => folders.map((folder) => join(folder, program)))
    .find((file) => existsSync(file));
}

/** The version of an installed browser, in its own words. */
export function versionOf(executable: string): string {
  const { stdout } = spawnSync(executable, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return stdout.trim().replace(/ built on.*$/, "");
}

/** Starts a browser. */
export async function launch(name: BrowserName, executablePath: string): Promise<Browser> {
  if (name === "chromium") return await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  // The Firefox of a distribution, by the standard protocol.
  return await firefox.launch({ executablePath, channel: "moz-firefox" });
}

/** Bytes of the JavaScript heap of a page after a collection, without those of its workers; undefined if it is not known. */
export async function heapOf(name: BrowserName, page: Page): Promise<number | undefined> {
  if (name !== "chromium") return undefined;
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

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
