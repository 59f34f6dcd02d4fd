/** The client of the package `@durable-streams/client` with this project's server, on each runtime and in a browser. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { runScenarios } from "../client/run.ts";
import { findBrowser, NO_CHROMIUM } from "../fixture/browser.ts";
import { executable, RUNTIMES, run } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { NPM_SCENARIOS } from "./npm-scenarios.ts";

declare global {
  // Set by the page below.
  var scenario: (name: string, folder: string) => Promise<string | undefined>;
}

const PAGE = `<!doctype html><title>client</title><script type="module">
import { NPM_SCENARIOS } from "/scenarios.js";
globalThis.scenario = (name, folder) => NPM_SCENARIOS[name](folder).then(() => undefined, (error) => String(error?.stack ?? error));
</script>`;

for (const runtime of RUNTIMES) {
  describe(`the client of the package on ${runtime}, with the server on ${runtime}`, () => {
    let server: TestServer;
    let outcomes: Map<string, string | undefined>;

    before(async () => {
      server = await startStandalone(runtime);
      outcomes = await runScenarios(runtime, server.url, "npm-client");
    });
    after(() => expectCleanStop(server));

    for (const name of Object.keys(NPM_SCENARIOS)) {
      it(name, () => {
        assert.ok(outcomes.has(name), "it did not come to its end");
        assert.equal(outcomes.get(name), undefined);
      });
    }
  });
}

describe("the client of the package in a browser", { skip: NO_CHROMIUM }, () => {
  let folder: string;
  let pages: Server;
  let server: TestServer;
  let browser: Browser;
  let page: Page;

  before(async () => {
    folder = await temporaryFolder("npm-browser");
    const bundle = join(folder, "scenarios.js");
    const line = ["build", "test/durable/npm-scenarios.ts", "--target=browser", `--outfile=${bundle}`];
    const built = await run(await executable("bun"), line);
    assert.equal(built.exit.code, 0, built.output);
    const script = await readFile(bundle);
    pages = createServer((request, response) => {
      const isScript = request.url === "/scenarios.js";
      response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : PAGE);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    server = await startStandalone("node", { args: ["--origin", origin, "--cors"] });
    browser = await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox"] });
    page = await browser.newPage();
    await page.goto(origin);
    await page.waitForFunction(() => "scenario" in globalThis);
  });
  after(async () => {
    await browser?.close();
    pages.closeAllConnections();
    await new Promise((resolve) => pages.close(resolve));
    await expectCleanStop(server);
    await removeFolder(folder);
  });

  for (const name of Object.keys(NPM_SCENARIOS)) {
    it(name, async () => {
      const error = await page.evaluate(({ name, url }) => scenario(name, url), { name, url: server.url });
      assert.equal(error, undefined);
    });
  }
});
