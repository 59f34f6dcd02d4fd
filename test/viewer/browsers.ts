/**
 * The browsers of the tests, behind one interface, so that a test is written once.
 * @module
 */
import { join } from "node:path";
import { type BrowserContextOptions, chromium, type Browser as PlaywrightBrowser } from "playwright-core";
import puppeteer, { type KeyInput, type Page as PuppeteerPage } from "puppeteer-core";
import { findBrowser, findFirefox, NO_CHROMIUM } from "../fixture/browser.ts";

/** The window of all tabs at first, in pixels. */
const WINDOW = { width: 1000, height: 700 };

/**
 * Runs in each page before its own scripts. The functions that the tests send are as their compiler leaves them, with calls to
 * `__name`. `__busy` counts what the page waits for.
 */
const BEFORE_SCRIPTS = `(() => {
  globalThis.__name = (named) => named;
  globalThis.__busy = 0;
  const count = (owner, name) => {
    const original = owner[name];
    owner[name] = function (...given) {
      const answer = original.apply(this, given);
      const done = () => { globalThis.__busy--; };
      globalThis.__busy++;
      answer.then(done, done);
      return answer;
    };
  };
  count(globalThis, "fetch");
  count(Response.prototype, "arrayBuffer");
})();`;

/** A tab. What is given to `evaluate` runs in the page, and must need nothing but its argument. */
export interface Tab {
  /** Errors of the page, also those of its console, and reports of its content policy. */
  readonly problems: readonly string[];
  open(url: string): Promise<void>;
  evaluate<R, A>(work: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  /** Presses a key, or some together, such as `Control+s`. */
  press(keys: string): Promise<void>;
  /** Turns the wheel over the middle of the window. */
  wheel(pixels: number): Promise<void>;
  resize(width: number, height: number): Promise<void>;
  reload(): Promise<void>;
  /** What Ctrl+Shift+R does. */
  reloadAll(): Promise<void>;
  /** Begins to go back in the history. */
  back(): Promise<void>;
  /** Begins to go forward in the history. */
  forward(): Promise<void>;
  close(): Promise<void>;
}

/** A running browser. */
export interface TestBrowser {
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

/** How a browser is started. */
export interface StartOptions {
  /** The folder for downloads. Default: none is kept. */
  readonly downloads?: string;
}

/** A browser that tests can start. */
export interface BrowserKind {
  readonly name: "Chromium" | "Firefox";
  /** Why it can't be started, or false. */
  readonly skip: string | false;
  start(options?: StartOptions): Promise<TestBrowser>;
}

/** The browsers, whether they are installed or not. */
export const BROWSERS: readonly BrowserKind[] = [
  {
    name: "Chromium",
    skip: NO_CHROMIUM,
    async start({ downloads } = {}) {
      const browser = await startChromium();
      return {
        newTab: () => ChromiumTab.open(browser, {}, downloads),
        close: () => browser.close(),
      };
    },
  },
  {
    name: "Firefox",
    skip: findFirefox() ? false : "no firefox is installed; run scripts/debian.sh firefox-esr",
    async start({ downloads } = {}) {
      const browser = await puppeteer.launch({
        browser: "firefox",
        executablePath: findFirefox() as string,
        extraPrefsFirefox: downloads === undefined ? {} : { ...KEEPS_DOWNLOADS, "browser.download.dir": downloads },
      });
      return {
        async newTab() {
          const page = await browser.newPage();
          await page.setViewport(WINDOW);
          await page.evaluateOnNewDocument(BEFORE_SCRIPTS);
          return new FirefoxTab(page);
        },
        close: () => browser.close(),
      };
    },
  },
];

const KEEPS_DOWNLOADS = {
  "browser.download.folderList": 2,
  "browser.download.useDownloadDir": true,
  "browser.download.always_ask_before_handling_new_types": false,
};

/** Starts Chromium. */
export async function startChromium(args: readonly string[] = []): Promise<PlaywrightBrowser> {
  return await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox", ...args] });
}

type PlaywrightPage = Awaited<ReturnType<PlaywrightBrowser["newPage"]>>;

/** A tab of Chromium, driven by Playwright. */
export class ChromiumTab implements Tab {
  readonly page: PlaywrightPage;
  readonly problems: string[] = [];

  private constructor(page: PlaywrightPage, downloads?: string) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || /policy/i.test(message.text())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("worker", (worker) => worker.on("console", (message) => this.problems.push(message.text())));
    if (downloads === undefined) return;
    page.on("download", (download) => void download.saveAs(join(downloads, download.suggestedFilename())));
  }

  /** Opens a tab with a profile of its own. */
  static async open(
    browser: PlaywrightBrowser,
    options: BrowserContextOptions = {},
    downloads?: string,
  ): Promise<ChromiumTab> {
    const context = await browser.newContext({ viewport: WINDOW, ...options });
    await context.addInitScript(BEFORE_SCRIPTS);
    return new ChromiumTab(await context.newPage(), downloads);
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
  }

  async evaluate<R, A>(work: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
    return (await this.page.evaluate(work as (argument: unknown) => unknown, argument)) as R;
  }

  async press(keys: string): Promise<void> {
    await this.page.keyboard.press(keys);
  }

  async wheel(pixels: number): Promise<void> {
    await this.page.mouse.move(WINDOW.width / 2, WINDOW.height / 2);
    await this.page.mouse.wheel(0, pixels);
  }

  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  async reloadAll(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const loaded = this.page.waitForEvent("load");
    await session.send("Page.reload", { ignoreCache: true });
    await loaded;
    await session.detach();
  }

  async back(): Promise<void> {
    await this.page.goBack();
  }

  async forward(): Promise<void> {
    await this.page.goForward();
  }

  /** Bytes of the objects of the page's scripts, without garbage. */
  async heapBytes(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    await session.detach();
    return usedSize;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** A tab of Firefox, driven by Puppeteer over WebDriver BiDi. */
class FirefoxTab implements Tab {
  readonly #page: PuppeteerPage;
  readonly problems: string[] = [];

  constructor(page: PuppeteerPage) {
    this.#page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || /policy/i.test(message.text())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(String(error)));
  }

  async open(url: string): Promise<void> {
    await this.#page.goto(url);
  }

  async evaluate<R, A>(work: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
    return (await this.#page.evaluate(work as (argument: unknown) => unknown, argument)) as R;
  }

  async press(keys: string): Promise<void> {
    const names = keys.split("+") as KeyInput[];
    for (const name of names) await this.#page.keyboard.down(name);
    for (const name of names.reverse()) await this.#page.keyboard.up(name);
  }

  async wheel(pixels: number): Promise<void> {
    await this.#page.mouse.move(WINDOW.width / 2, WINDOW.height / 2);
    await this.#page.mouse.wheel({ deltaY: pixels });
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#page.setViewport({ width, height });
  }

  async reload(): Promise<void> {
    await this.#page.reload();
  }

  async reloadAll(): Promise<void> {
    // Firefox does not take `ignoreCache` of `browsingContext.reload` yet.
    await this.#page.setCacheEnabled(false);
    await this.#page.reload();
    await this.#page.setCacheEnabled(true);
  }

  async back(): Promise<void> {
    await this.#page.evaluate(travel, -1);
  }

  async forward(): Promise<void> {
    await this.#page.evaluate(travel, 1);
  }

  async close(): Promise<void> {
    await this.#page.close();
  }
}

/**
 * Runs in the page: goes back or forward. The methods of Puppeteer also wait for events of a load, and one run in many has
 * waited in vain: a page that Firefox has kept is not loaded again. Tests wait for what the page shows.
 */
function travel(by: number): void {
  // Later, so that this call is answered before the page is left.
  setTimeout(() => history.go(by));
}
