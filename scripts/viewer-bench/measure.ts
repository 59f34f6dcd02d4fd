/**
 * One measurement: a candidate in a new browser, with one log.
 * @module
 */
import { linkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openAppend } from "../../src/client/mod.ts";
import { type BrowserName, openTab, type Tab } from "./browsers.ts";
import type { Candidate } from "./candidates.ts";
import { linesOf } from "./log-file.ts";
import { memoryOfPages } from "./memory.ts";
import { percentile } from "./percentile.ts";
import type { Traffic } from "./server.ts";
import type { Size } from "./size.ts";
import type { Started } from "./started.ts";

/** A log to show. */
export interface Log {
  readonly name: string;
  readonly bytes: number;
  readonly lines: number;
}

/** What a measurement is made with. */
export interface Setting {
  readonly browser: BrowserName;
  readonly executable: string;
  readonly candidate: Candidate;
  readonly server: Started;
  /** The folder that the server serves. */
  readonly folder: string;
  readonly probe: string;
  readonly size: Size;
}

/** Numbers by the keys of metrics. */
export type Numbers = Readonly<Record<string, number>>;

/** Where a log starts that is followed. */
const FOLLOWED_LINES = 2_000;

/** Times a second that a followed log grows. */
const APPENDS_PER_SECOND = 50;

/** Pixels to scroll in a frame. */
const SCROLL_PIXELS = 60;

/** Opens a log, scrolls in it, and jumps. */
export async function read(setting: Setting, log: Log): Promise<Numbers> {
  const { candidate, server, size } = setting;
  const before = await server.traffic();
  return await inPage(setting, candidate.address(server.url, log.name, false), async (tab) => {
    const paint = await tab.evaluate<number>("probe.painted");
    const whole = candidate.isOurs ? paint : await tab.evaluate<number>("probe.loaded()");
    const opened = await settled(server);
    await tab.evaluate(`probe.jump(0.5, ${log.lines})`);
    const { gaps, blank } = await tab.evaluate<{ gaps: number[]; blank: number }>(
      `probe.scroll(${size.frames}, ${SCROLL_PIXELS})`,
    );
    const jumps: number[] = [];
    // Parts of the log that are far from each other, the same for all.
    for (let jump = 1; jump <= size.jumps; jump++) {
      jumps.push(await tab.evaluate<number>(`probe.jump(${((jump * 0.618034) % 0.96) + 0.02}, ${log.lines})`));
    }
    const after = await settled(server);
    const heap = await tab.heap();
    const memory = memoryOfPages();
    return {
      ...{ paint, whole, ...(heap === undefined ? {} : { heap }), rss: memory.now, peak: memory.peak },
      ...{ nodes: await tab.evaluate<number>("probe.nodes()"), blank: (100 * blank) / size.frames },
      ...{ frame50: percentile(gaps, 50), frame95: percentile(gaps, 95), jump50: percentile(jumps, 50) },
      ...{ openRequests: opened.requests - before.requests, openBytes: opened.bytes - before.bytes },
      ...{ requests: after.requests - before.requests, bytes: after.bytes - before.bytes },
    };
  });
}

/** Shows a log while it grows. */
export async function follow(setting: Setting, name: string): Promise<Numbers> {
  const { candidate, server, size, folder } = setting;
  const writer = (await openAppend(`${server.url}/logs/${name}`)).getWriter();
  let lines = FOLLOWED_LINES;
  await writer.write(linesOf(0, lines));
  const linesAtOnce = Math.ceil(size.followBytesPerSecond / APPENDS_PER_SECOND / (linesOf(0, 1000).length / 1000));
  try {
    return await inPage(setting, candidate.address(server.url, name, true), async (tab) => {
      await tab.evaluate("probe.painted");
      await tab.evaluate(`probe.shown(${lines - 1})`);
      await tab.evaluate("probe.record()");
      const start = performance.now();
      for (let turn = 1; turn <= size.followSeconds * APPENDS_PER_SECOND; turn++) {
        await writer.write(linesOf(lines, linesAtOnce));
        lines += linesAtOnce;
        const early = start + (turn * 1000) / APPENDS_PER_SECOND - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      }
      const written = performance.now();
      await tab.evaluate(`probe.shown(${lines - 1})`);
      const behind = performance.now() - written;
      const gaps = await tab.evaluate<number[]>("probe.stop()");
      const heap = await tab.heap();
      return {
        ...{ frame50: percentile(gaps, 50), frame95: percentile(gaps, 95), behind },
        ...{ rate: ((lines - FOLLOWED_LINES) * (linesOf(0, 1000).length / 1000)) / ((written - start) / 1000) },
        ...{ ...(heap === undefined ? {} : { heap }), rss: memoryOfPages().now },
      };
    });
  } finally {
    await writer.close().catch(() => {});
    rmSync(join(folder, name), { force: true });
  }
}

/** Opens links to a line of a path that the server has not counted yet, and of one that it has. */
export async function link(setting: Setting, log: Log): Promise<Numbers> {
  const { server, folder } = setting;
  const name = `link-${log.name}`;
  linkSync(join(folder, log.name), join(folder, name));
  const line = Math.floor((log.lines * 2) / 3);
  const open = (): Promise<number> =>
    inPage(setting, `${server.url}/logs/${name}#L${line}`, (tab) => tab.evaluate<number>(`probe.row(${line})`));
  try {
    return { cold: await open(), warm: await open() };
  } finally {
    rmSync(join(folder, name));
  }
}

/** Resolves with the traffic when a second has passed without any. */
async function settled(server: Started): Promise<Traffic> {
  for (let before = await server.traffic(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await server.traffic();
    if (now.requests === before.requests && now.bytes === before.bytes) return now;
    before = now;
  }
}

/** Opens an address in a browser of its own, and ends that after a time, or with its page. */
async function inPage<Result>(setting: Setting, address: string, work: (tab: Tab) => Promise<Result>): Promise<Result> {
  const { browser, executable, probe, size } = setting;
  const tab = await openTab(browser, executable, probe);
  let fail: (why: string) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = (why) => reject(new Error(why));
  });
  failed.catch(() => {}); // The browser ends in any case.
  const late = setTimeout(() => fail(`it has not ended in ${size.limitSeconds} s`), size.limitSeconds * 1000);
  tab.onGone(fail);
  const working = tab.goTo(address).then(() => work(tab));
  working.catch(() => {}); // What it says after a failure is not of interest.
  try {
    return await Promise.race([working, failed]);
  } finally {
    clearTimeout(late);
    await tab.close();
  }
}
