/** The viewer page of a path that is large, and of one that grows while the reader looks elsewhere. */
import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { until } from "../fixture/until.ts";
import { BROWSERS, ChromiumTab, type TestBrowser } from "./browsers.ts";
import { LogPage, type ShownRow } from "./page.ts";
import { startLogged, untilSeen } from "./seen.ts";
import { BrowserSetup } from "./setup.ts";

const GB = 1024 ** 3;
const MB = 1024 ** 2;

/** Most bytes that the page may ask for, and most that its objects may take. */
const MAX_SENT_BYTES = 2 * MB;
const MAX_HEAP_BYTES = 64 * MB;

for (const kind of BROWSERS) {
  const skip = kind.skip || (IS_SHORT && kind.name === "Firefox" && LEFT_OUT);
  describe(`a large path and a growing one in ${kind.name}`, { skip }, () => cases(kind.start));
}

function cases(start: () => Promise<TestBrowser>): void {
  const setup = new BrowserSetup(start, { start: startLogged });

  it("shows 1 GB with few rows, few requests and few bytes, at its ends, in the middle and in a line of 500 MB", async () => {
    const middle = writeLargeFile(join(setup.root, "large.log"));
    const viewer = await setup.open("/large.log");
    await viewer.untilLast("the end");
    await few(viewer);
    await viewer.tab.press("Home");
    await viewer.until("the first line", ([row]) => row?.text === "beginning 0");
    await few(viewer);
    for (let turn = 0; turn < 10; turn++) await viewer.tab.wheel(600);
    await few(viewer);
    await viewer.goToHash(`@${middle + 500}`);
    await viewer.until("the middle", (rows) => rows.some(({ text }) => text === "middle 45"));
    for (let turn = 0; turn < 10; turn++) await viewer.tab.wheel(-600);
    await few(viewer);
    // With the counts of lines, the page does not read back to the beginning of a long line.
    await viewer.until("numbers", (rows) => rows.every(({ number }) => number !== undefined));
    await viewer.goToHash(`@${Math.floor(middle / 2)}`);
    await viewer.until("the long line", (rows) => rows.some(({ text }) => text.startsWith("\0\0\0\0")));
    await few(viewer);
    if (viewer.tab instanceof ChromiumTab) assert.ok((await viewer.tab.heapBytes()) <= MAX_HEAP_BYTES);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
    const all = await untilSeen(setup.server, "the follow to end", ({ status }) => status === 101);
    const asked = all.filter(({ target }) => target === "/large.log");
    const sent = asked.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(sent > 10_000 && sent <= MAX_SENT_BYTES, `${sent} bytes in ${asked.length} requests`);
    assert.ok(asked.length <= 60, `${asked.length} requests`);
  });

  it("follows a burst of 500,000 lines to its end", async () => {
    const url = setup.url("/burst.log");
    const viewer = await LogPage.in(setup.browser, url);
    await viewer.untilState(/^Waiting/);
    await append(
      url,
      Array.from({ length: 50 }, (_, at) => short(at * 10_000, 10_000)),
    );
    await viewer.untilLast("line 499999");
    await viewer.until("numbers", (rows) => rows.every(({ number }) => number !== undefined));
    assert.equal((await viewer.visible()).at(-1)?.number, 500_000);
    await viewer.untilState(/^Complete$/);
    await append(url, "one more\nand its beginning");
    const rows = await viewer.untilLast("and its beginning");
    assert.deepEqual(rows.at(-2)?.text, "one more");
    await viewer.close();
  });

  it("keeps a row where it is, in every frame, while the path grows", async () => {
    const url = setup.url("/anchor.log");
    writeFileSync(join(setup.root, "anchor.log"), long(0, 3_000));
    const viewer = await LogPage.in(setup.browser, url);
    await viewer.until("the end", (rows) => rows.at(-1)?.text.startsWith("line 2999 ") === true);
    await viewer.tab.press("PageUp");
    await viewer.settle();
    const shown = await viewer.visible();
    const anchor = shown[3]?.offset ?? -1;
    await viewer.tab.evaluate(watchTop, anchor);
    const writer = (await openAppend(url)).getWriter();
    // The numbers of the lines get a digit more, and with it the margin.
    for (let from = 3_000; from < 12_000; from += 100) await writer.write(long(from, 100));
    await until("the news", async () => (await viewer.textOf("#news")) === "↓ 9,000 new lines");
    assert.deepEqual(await viewer.tab.evaluate(watchedTops, undefined), [await viewer.topOf(anchor)]);
    assert.deepEqual(await viewer.visible(), shown);
    await viewer.tab.press("End");
    await viewer.until("the end", (rows) => rows.at(-1)?.text.startsWith("line 11999 ") === true);
    await writer.write("after\n");
    await viewer.untilLast("after");
    await writer.close();
    await viewer.close();
  });

  it("keeps the first visible row where it is when lines are wrapped or not, in a window of any size, while it grows", async () => {
    const url = setup.url("/wrap.log");
    writeFileSync(join(setup.root, "wrap.log"), long(0, 3_000));
    const viewer = await LogPage.in(setup.browser, `${url}#L1500`);
    const { tab } = viewer;
    await viewer.until("line 1500", (shown) => shown.some(({ number }) => number === 1_500));
    const writer = (await openAppend(url)).getWriter();
    const changes: readonly (readonly [string, () => Promise<void>])[] = [
      ["not wrapped", () => tab.press("w")],
      ["narrow", () => tab.resize(420, 700)],
      ["narrow and wrapped", () => tab.press("w")],
      ["low", () => tab.resize(420, 300)],
      ["wide", () => tab.resize(1200, 300)],
      ["as at first", () => tab.resize(1000, 700)],
    ];
    const first = await firstAtTop(viewer);
    const place = await viewer.topOf(first.offset);
    for (const [index, [name, change]] of changes.entries()) {
      await change();
      await writer.write(long(3_000 + index * 500, 500));
      await until("the news", async () => (await viewer.textOf("#news")).includes(`${(index + 1) * 500}`.slice(-3)));
      await viewer.settle();
      assert.equal(await viewer.topOf(first.offset), place, name);
    }
    await writer.close();
    await viewer.close();
  });
}

/** 1 GB, most of it holes: lines at both ends and in the middle, and two long ones of NUL between. Returns where the middle is. */
function writeLargeFile(path: string): number {
  const file = openSync(path, "w");
  const lines = (name: string): string => Array.from({ length: 5_000 }, (_, at) => `${name} ${at}\n`).join("");
  const middle = GB / 2;
  ftruncateSync(file, GB);
  writeSync(file, lines("beginning"), 0);
  writeSync(file, `\n${lines("middle")}`, middle - 1);
  const end = `\n${lines("line")}the end\n`;
  writeSync(file, end, GB - end.length);
  closeSync(file);
  return middle;
}

/** The document has few rows at any time, and they are in view. */
async function few(viewer: LogPage): Promise<void> {
  await viewer.settle();
  const { length } = await viewer.rows();
  assert.ok(length > 0 && length <= 500, `${length} rows`);
  assert.ok((await viewer.visible()).length > 0);
}

/** Scrolls until a row begins at the top of the window, and returns it. */
async function firstAtTop(viewer: LogPage): Promise<ShownRow> {
  await viewer.settle();
  const [cut] = await viewer.visible();
  await viewer.tab.evaluate(scrollBy, await viewer.topOf(cut?.offset ?? -1));
  await viewer.settle();
  const [first] = await viewer.visible();
  assert.ok(first && Math.abs(await viewer.topOf(first.offset)) < 1);
  return first;
}

function long(from: number, count: number): string {
  const words = "and some words that are long enough to be wrapped on a narrow screen";
  return Array.from(
    { length: count },
    (_, at) => `line ${from + at} ${`${words} `.repeat(((from + at) % 5) + 1)}\n`,
  ).join("");
}

function short(from: number, count: number): string {
  return Array.from({ length: count }, (_, at) => `line ${from + at}\n`).join("");
}

/** Runs in the page: notes where the row of a line is in each frame. */
function watchTop(offset: number): void {
  const tops = new Set<number>();
  Object.assign(globalThis, { tops });
  const look = (): void => {
    const row = document.querySelector(`[data-offset="${offset}"]`);
    const frame = document.querySelector("#window");
    tops.add((row?.getBoundingClientRect().top ?? -1) - (frame?.getBoundingClientRect().top ?? 0));
    requestAnimationFrame(look);
  };
  look();
}

/** Runs in the page. */
function watchedTops(): number[] {
  return [...(globalThis as unknown as { tops: Set<number> }).tops];
}

/** Runs in the page: scrolls as the reader does. */
function scrollBy(pixels: number): void {
  const view = document.querySelector("#view");
  if (view) view.scrollTop += pixels;
}
