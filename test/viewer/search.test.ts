/** The search of the viewer page, over the whole file on the server. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Browser } from "playwright-core";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { SKIP, startChromium, Viewer } from "./page.ts";

const LINES = Array.from(
  { length: 30_000 },
  (_, at) => `line ${at + 1}${at % 5_000 === 1_234 ? " \x1b[31mneedle\x1b[m here" : ""}`,
);
const FOUND = LINES.flatMap((line, at) => (line.includes("needle") ? [at + 1] : []));

describe("the search of the viewer page", { skip: SKIP }, () => {
  let server: TestServer;
  let browser: Browser;
  before(async () => {
    server = await startStandalone("node");
    writeFileSync(join(server.root, "a.log"), `${LINES.join("\n")}\n`);
    browser = await startChromium();
  });
  after(async () => {
    await browser?.close();
    await server.stop();
  });

  /** Whether this server searches. */
  async function searches(context: TestContext): Promise<boolean> {
    const answer = await fetch(`${server.url}/a.log?search=needle`);
    await answer.body?.cancel();
    const does = answer.headers.get("content-type")?.includes("ndjson") === true;
    if (!does) context.skip("this server does not search");
    return does;
  }

  it("counts the hits, goes to the next and the previous one, and marks them", async (context) => {
    if (!(await searches(context))) return;
    const viewer = await Viewer.open(browser, `${server.url}/a.log#L1`);
    const { page } = viewer;
    await viewer.until("numbers", ([row]) => row?.number === 1);
    await page.keyboard.press("/");
    await page.keyboard.type("NEEDLE");
    await page.locator("#hits", { hasText: `${FOUND.length} found` }).waitFor();
    assert.equal(new URL(page.url()).hash, "#L1@0-7&q=NEEDLE");
    for (const [at, line] of FOUND.entries()) {
      await page.keyboard.press("Enter");
      await page.locator("#hits", { hasText: `${at + 1} of ${FOUND.length} found` }).waitFor();
      await viewer.until(`line ${line}`, (rows) => rows.some(({ number }) => number === line));
    }
    await page.getByRole("button", { name: "Previous hit" }).click();
    await viewer.until("the hit before", (rows) => rows.some(({ number }) => number === FOUND[FOUND.length - 2]));
    assert.equal(await page.evaluate(() => CSS.highlights.get("hit")?.size), 1);
    await viewer.close();
  });

  it("stops when the reader types something else", async (context) => {
    if (!(await searches(context))) return;
    const viewer = await Viewer.open(browser, `${server.url}/a.log#&q=line`);
    await viewer.page.locator("#hits", { hasText: "10000 or more found" }).waitFor();
    await viewer.page.getByLabel("Search the whole log").fill("nothing has this");
    await viewer.page.locator("#hits", { hasText: "0 found" }).waitFor();
    await viewer.page.getByLabel("Search the whole log").press("Escape");
    await viewer.page.waitForFunction(() => document.querySelector("#hits")?.textContent === "");
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("says so where the server does not search", async () => {
    const viewer = await Viewer.open(browser, `${server.url}/a.log`);
    await viewer.page.route("**/*search=*", (route) =>
      route.fulfill({ status: 200, headers: { "Accept-Ranges": "bytes" }, body: "x" }),
    );
    await viewer.page.getByLabel("Search the whole log").fill("needle");
    await viewer.page.getByText("This server can't search.").waitFor();
    await viewer.close();
  });
});
