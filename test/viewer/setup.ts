/**
 * A server, and a browser that shows its pages, for the tests of a suite.
 * @module
 */
import { after, before } from "node:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { startChromium, type TestBrowser } from "./browsers.ts";
import { LogPage, Viewer } from "./page.ts";

/** Options for the server of a suite. */
interface SetupOptions {
  /** Starts the server. Default: the standalone server on Node. */
  readonly start?: () => Promise<TestServer>;
  /** Writes files into its folder, before the browser starts. */
  readonly fill?: (server: TestServer) => void;
}

/** Starts both before the tests of the suite in which it is created, and stops what has started after them. */
class Setup<B extends { close(): Promise<void> }> {
  #server: TestServer | undefined;
  #browser: B | undefined;

  constructor(startBrowser: () => Promise<B>, { start = () => startStandalone("node"), fill }: SetupOptions = {}) {
    before(async () => {
      this.#server = await start();
      fill?.(this.#server);
      this.#browser = await startBrowser();
    });
    after(async () => {
      try {
        await this.#browser?.close();
      } finally {
        await this.#server?.stop();
      }
    });
  }

  get server(): TestServer {
    if (!this.#server) throw new Error("The server starts before the first test of the suite.");
    return this.#server;
  }

  /** The folder that the server serves. */
  get root(): string {
    return this.server.root;
  }

  get browser(): B {
    if (!this.#browser) throw new Error("The browser starts before the first test of the suite.");
    return this.#browser;
  }

  /** The URL of a path of the server, with its query and hash. */
  url(path: string): string {
    return `${this.server.url}${path}`;
  }
}

/** With any browser. */
export class BrowserSetup extends Setup<TestBrowser> {
  /** Opens the page of a path. */
  async open(path: string): Promise<LogPage> {
    return await LogPage.in(this.browser, this.url(path));
  }
}

/** With Chromium. */
export class ChromiumSetup extends Setup<Browser> {
  /** @param args Arguments for Chromium. */
  constructor({ args, ...options }: SetupOptions & { readonly args?: readonly string[] } = {}) {
    super(() => startChromium(args), options);
  }

  /** Opens the page of a path. */
  async open(path: string, options?: BrowserContextOptions): Promise<Viewer> {
    return await Viewer.open(this.browser, this.url(path), options);
  }
}
