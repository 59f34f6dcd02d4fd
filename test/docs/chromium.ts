/**
 * A real browser, if one is installed.
 * @module
 */
import { chromium, type Page } from "playwright-core";
import { findBrowser, NO_CHROMIUM } from "../fixture/browser.ts";

/** Opens pages; closing a page closes its browser. */
export interface Browser {
  /** Why there is no browser, or false. */
  readonly skip: string | false;
  open(): Promise<Page>;
}

/** Debian's Chromium. */
export async function chromiumPage(): Promise<Browser> {
  const open = async (): Promise<Page> => {
    const browser = await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox"] });
    const page = await browser.newPage();
    // The answer to a page's own close could be lost when its browser ends. The wait for it would never end.
    return Object.assign(page, { close: () => browser.close() });
  };
  return { skip: NO_CHROMIUM, open };
}
