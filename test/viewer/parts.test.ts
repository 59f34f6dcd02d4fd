/** The scripts of the viewer page: which ones a view loads, and what it shows if one can't be loaded. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import type { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

/** Paths, the part that the page needs for each, and what it says when that part can't be loaded. */
const VIEWS = [
  { path: "/folder/", part: "folder", says: "does not update" },
  { path: "/a.md", part: "document", says: "This is the log" },
  { path: "/a.png?view", part: "document", says: '"Raw" and "Save" have the content' },
  { path: "/a.json", part: "data", says: "This is the log" },
  { path: "/core", part: "data", says: "This is the log" },
  { path: "/a.log#&as=hex", part: "data", says: "This is the log" },
] as const;

describe("the scripts of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill: ({ root }) => {
      mkdirSync(join(root, "folder"));
      writeFileSync(join(root, "folder", "in.log"), "in\n");
      for (const name of ["a.log", "a.md", "a.json"]) writeFileSync(join(root, name), '"the text"\n');
      writeFileSync(join(root, "core"), "\0\x01\x02");
      writeFileSync(join(root, "a.png"), "no image");
    },
  });

  /** The names of the scripts that a page loads, without their hashes. */
  async function scriptsOf({ page }: Viewer): Promise<string[]> {
    const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    const scripts = names.flatMap((name) => /\/([a-z]+)-[^/]*\.js$/.exec(name)?.[1] ?? []);
    return scripts.filter((name) => name !== "worker" && name !== "markdown").sort();
  }

  it("are one for a log, and one more for each other view", async () => {
    const log = await setup.open("/a.log");
    await log.untilLast('"the text"');
    assert.deepEqual(await scriptsOf(log), ["page"]);
    await log.close();
    const shown = {
      folder: "#entries a[href$='in.log']",
      document: "#document > *",
      data: "#rows .row",
    };
    for (const { path, part } of VIEWS) {
      const viewer = await setup.open(path);
      await viewer.page.locator(shown[part]).first().waitFor();
      assert.deepEqual(await scriptsOf(viewer), [part, "page"].sort(), path);
      await viewer.close();
    }
  });

  it("say so if one can't be loaded, and show what there is without it", async () => {
    for (const { path, part, says } of VIEWS) {
      const context = await setup.browser.newContext();
      const page = await context.newPage();
      await page.route(`**/.httpfstream/${part}-*.js`, (route) => route.abort());
      await page.goto(setup.url(path));
      await page.getByRole("alert").filter({ hasText: says }).waitFor();
      if (path === "/folder/") await page.getByRole("link", { name: "in.log" }).waitFor();
      else if (path !== "/a.png?view") await page.locator("#rows .row").first().waitFor();
      await page.unroute(`**/.httpfstream/${part}-*.js`);
      await page.getByRole("button", { name: "Load the page again" }).click();
      await page.getByRole("alert").filter({ hasText: says }).waitFor({ state: "hidden" });
      await context.close();
    }
  });

  it("say so if the one for copying and going to places can't be loaded", async () => {
    const viewer = await setup.open("/a.log");
    const { page } = viewer;
    await viewer.untilLast('"the text"');
    await page.route("**/.httpfstream/actions-*.js", (route) => route.abort());
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").filter({ hasText: "could not be loaded" }).waitFor();
    await page.unroute("**/.httpfstream/actions-*.js");
    await page.getByRole("button", { name: "Load the page again" }).click();
    await page.getByRole("alert").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Go to" }).click();
    await page.getByRole("dialog").getByRole("textbox").fill("1");
    await page.getByRole("dialog").getByRole("textbox").press("Enter");
    await page.locator(".marked").waitFor();
    assert.deepEqual(await scriptsOf(viewer), ["actions", "page"]);
    await viewer.close();
  });
});
