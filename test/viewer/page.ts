/**
 * The viewer page in a browser.
 * @module
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { until } from "../fixture/until.ts";
import { ChromiumTab, type Tab, type TestBrowser } from "./browsers.ts";

/** A row of the page: the offset of its line, its number and its text. */
export interface ShownRow {
  readonly offset: number;
  readonly number: number | undefined;
  readonly text: string;
  /** Whether it says that it, and perhaps others, were overwritten. */
  readonly isOverwritten?: true;
}

/** The page in a tab of any browser. */
export class LogPage {
  readonly tab: Tab;

  protected constructor(tab: Tab) {
    this.tab = tab;
  }

  /** Opens a page. */
  static async in(browser: TestBrowser, url: string): Promise<LogPage> {
    const tab = await browser.newTab();
    await tab.open(url);
    return new LogPage(tab);
  }

  /** Errors, also those of the console, and reports of the content policy. */
  get problems(): readonly string[] {
    return this.tab.problems;
  }

  async close(): Promise<void> {
    await this.tab.close();
  }

  /** All rows of the document. */
  async rows(): Promise<ShownRow[]> {
    return await this.tab.evaluate(rowsOf, false);
  }

  /** The rows in view. */
  async visible(): Promise<ShownRow[]> {
    return await this.tab.evaluate(rowsOf, true);
  }

  /** Waits until the visible rows are as wanted. */
  async until(what: string, holds: (rows: ShownRow[]) => boolean): Promise<ShownRow[]> {
    return await untilShown(what, () => this.visible(), holds);
  }

  /** Waits until the last line is in view. */
  async untilLast(text: string): Promise<ShownRow[]> {
    return await this.until(`"${text}" at the end`, (rows) => rows[rows.length - 1]?.text === text);
  }

  /** Waits for a state in words. */
  async untilState(pattern: RegExp): Promise<void> {
    await untilShown(
      `the state ${pattern}`,
      () => this.textOf("[role=status]"),
      (state) => pattern.test(state),
    );
  }

  /** The text of an element; "" if there is none. */
  async textOf(selector: string): Promise<string> {
    return await this.tab.evaluate(textOf, selector);
  }

  /** Changes the hash of the address. */
  async goToHash(hash: string): Promise<void> {
    await this.tab.evaluate(setHash, hash);
  }

  /** Pixels between the row of a line and the top of the window of the lines. */
  async topOf(offset: number): Promise<number> {
    return await this.tab.evaluate(topOf, offset);
  }

  /** Waits until nothing is read and no row changes. */
  async settle(): Promise<void> {
    await this.tab.evaluate(untilStill, undefined);
  }
}

/** Waits until what a page shows is as wanted, and returns it. */
async function untilShown<T>(what: string, look: () => Promise<T>, holds: (shown: T) => boolean): Promise<T> {
  let last: unknown;
  try {
    return await until(what, async () => {
      // While the tab goes to another page, nothing can be asked of it.
      const shown = await look().catch((error: unknown) => {
        last = String(error);
      });
      if (shown === undefined) return undefined;
      last = shown;
      return holds(shown) && { shown };
    }).then(({ shown }) => shown);
  } catch (error) {
    throw new Error(`${(error as Error).message}; the page shows ${JSON.stringify(last)?.slice(-600)}`);
  }
}

/** The page in Chromium, with everything that Playwright can do. */
export class Viewer extends LogPage {
  readonly page: Page;

  private constructor(tab: ChromiumTab) {
    super(tab);
    this.page = tab.page;
  }

  /** Opens a page. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Viewer> {
    const tab = await ChromiumTab.open(browser, options);
    await tab.open(url);
    return new Viewer(tab);
  }
}

/** Runs in the page. */
function setHash(hash: string): void {
  location.hash = hash;
}

/** Runs in the page. */
function textOf(selector: string): string {
  return document.querySelector(selector)?.textContent?.trim() ?? "";
}

/** Runs in the page. */
function topOf(offset: number): number {
  const row = document.querySelector(`[data-offset="${offset}"]`);
  const frame = document.querySelector("#window");
  if (!row || !frame) throw new Error(`no row has the line at ${offset}`);
  return row.getBoundingClientRect().top - frame.getBoundingClientRect().top;
}

/** Runs in the page. */
async function untilStill(): Promise<void> {
  const list = document.querySelector<HTMLElement>("#rows");
  const { documentElement } = document;
  let before = "";
  for (let same = 0; same < 3; ) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const place = [
      list?.style.transform,
      list?.offsetHeight,
      documentElement.clientWidth,
      documentElement.clientHeight,
    ];
    const now = JSON.stringify([place, list?.textContent]);
    const isBusy = (globalThis as { __busy?: number }).__busy !== 0;
    same = !isBusy && now === before ? same + 1 : 0;
    before = now;
  }
}

/** Runs in the page. */
function rowsOf(onlyVisible: boolean): ShownRow[] {
  const [log] = document.querySelectorAll("[role=log]");
  const frame = document.querySelector("#window")?.getBoundingClientRect();
  const rows = [...(log?.children ?? [])].filter((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return !onlyVisible || (frame !== undefined && bottom > frame.top + 1 && top < frame.bottom - 1);
  });
  return rows.map((row) => {
    const { offset, n } = (row as HTMLElement).dataset;
    return {
      ...{ offset: Number(offset), number: n === undefined ? undefined : Number(n), text: row.textContent ?? "" },
      ...(row.matches(".overwritten") && { isOverwritten: true as const }),
    };
  });
}
