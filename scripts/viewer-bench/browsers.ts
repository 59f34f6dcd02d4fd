/**
 * The browsers.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

/** The names of the browsers. */
export const BROWSERS = ["chromium", "firefox"] as const;

/** The name of a browser. */
export type BrowserName = (typeof BROWSERS)[number];

const EXECUTABLES: Readonly<Record<BrowserName, readonly string[]>> = {
  chromium: ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"],
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

/** A browser of its own with one tab. */
export interface Tab {
  goTo(address: string): Promise<void>;
  evaluate<Result>(expression: string): Promise<Result>;
  /** Bytes of the JavaScript heap after a collection, without those of workers; undefined if the browser does not say. */
  heap(): Promise<number | undefined>;
  /** Calls a function if the tab crashes, or its browser ends. */
  onGone(gone: (why: string) => void): void;
  close(): Promise<void>;
}

const VIEWPORT = { width: 1000, height: 700 };

/** Starts a browser, which an interruption of the benchmark does not end. Runs a script in each page before those of the page. */
export async function openTab(name: BrowserName, executablePath: string, script: string): Promise<Tab> {
  return await (name === "chromium" ? openChromium : openFirefox)(executablePath, script);
}

async function openChromium(executablePath: string, script: string): Promise<Tab> {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], handleSIGINT: false });
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.addInitScript(script);
  const session = await page.context().newCDPSession(page);
  return {
    goTo: async (address) => void (await page.goto(address, { waitUntil: "commit" })),
    evaluate: (expression) => page.evaluate(expression),
    async heap() {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize;
    },
    onGone(gone) {
      page.on("crash", () => gone("its page has crashed"));
      browser.on("disconnected", () => gone("its browser has ended"));
    },
    close: () => browser.close(),
  };
}

async function openFirefox(executablePath: string, script: string): Promise<Tab> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    protocolTimeout: 0,
    handleSIGINT: false,
  });
  const page = await browser.newPage();
  await page.setViewport(VIEWPORT);
  await page.evaluateOnNewDocument(script);
  return {
    goTo: async (address) => void (await page.goto(address, { waitUntil: "domcontentloaded" })),
    evaluate: async <Result>(expression: string) => (await page.evaluate(expression)) as Result,
    heap: async () => undefined,
    onGone: (gone) => void browser.on("disconnected", () => gone("its browser has ended")),
    close: () => browser.close(),
  };
}
