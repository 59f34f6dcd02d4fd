/**
 * The viewer page in Chromium.
 * @module
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findBrowser } from "../fixture/browser.ts";

/** Why there is no browser, or false. */
export const SKIP: string | false = findBrowser() ? false : "no chromium is installed; run scripts/debian.sh chromium";

/** A row of the page: the offset of its line, its number and its text. */
export interface ShownRow {
  readonly offset: number;
  readonly number: number | undefined;
  readonly text: string;
  /** Whether it says that it, and perhaps others, were overwritten. */
  readonly isOverwritten?: true;
}

/** Starts Chromium. */
export async function startChromium(args: readonly string[] = []): Promise<Browser> {
  return await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox", ...args] });
}

/** A page, and what it has complained about. */
export class Viewer {
  readonly page: Page;
  /** Errors, also those of the console, and reports of the content policy. */
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || /policy/i.test(message.text())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("worker", (worker) => worker.on("console", (message) => this.problems.push(message.text())));
  }

  /** Opens a page. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Viewer> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
    // The functions that run in the page are sent as the compiler of the tests leaves them, with calls to this.
    await context.addInitScript("globalThis.__name = (named) => named;");
    const viewer = new Viewer(await context.newPage());
    await viewer.page.goto(url);
    return viewer;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** All rows of the document. */
  async rows(): Promise<ShownRow[]> {
    return await this.page.evaluate(rowsOf, false);
  }

  /** The rows in view. */
  async visible(): Promise<ShownRow[]> {
    return await this.page.evaluate(rowsOf, true);
  }

  /** Waits until the visible rows are as wanted. */
  async until(what: string, holds: (rows: ShownRow[]) => boolean): Promise<ShownRow[]> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const rows = await this.visible();
      if (holds(rows)) return rows;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; ${JSON.stringify(rows.slice(-3))}`);
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    }
  }

  /** Waits until the last line is in view. */
  async untilLast(text: string): Promise<ShownRow[]> {
    return await this.until(`"${text}" at the end`, (rows) => rows[rows.length - 1]?.text === text);
  }

  /** Waits for a state in words. */
  async untilState(pattern: RegExp): Promise<void> {
    await this.page.getByRole("status").filter({ hasText: pattern }).waitFor();
  }

  /** Changes the hash of the address. */
  async goToHash(hash: string): Promise<void> {
    await this.page.evaluate(setHash, hash);
  }

  /** Waits until nothing is read and no row is added. */
  async settle(): Promise<void> {
    let before = "";
    for (;;) {
      await this.page.waitForLoadState("networkidle");
      const now = JSON.stringify(await this.rows());
      if (now === before) return;
      before = now;
    }
  }
}

/** Runs in the page. */
export function setHash(hash: string): void {
  location.hash = hash;
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
