/** Places in the viewer page: links that overtake each other, links to lines of Markdown, the dialog, breadcrumbs. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { startMounted } from "../fixture/servers.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const LINES = Array.from({ length: 40_000 }, (_, at) => `line ${at + 1} of a log that is long enough\n`).join("");

describe("places in the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill({ root }) {
      writeFileSync(join(root, "a.log"), LINES);
      writeFileSync(join(root, "empty.log"), "");
      writeFileSync(join(root, "page.md"), "# Title\n\n- one\n- two\n");
    },
  });

  it("are those of the last link, also when the bytes of an earlier one arrive later", async () => {
    const viewer = await setup.open("/a.log#L1");
    const { page } = viewer;
    await viewer.until("line 1", ([row]) => row?.number === 1);
    await viewer.settle();
    const middle = LINES.indexOf("line 20000 ");
    const block = Math.floor((middle - 1) / 65_536) * 65_536;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/a.log?raw*", async (route) => {
      const { range = "" } = route.request().headers();
      if (range.startsWith(`bytes=${block}-`)) await released;
      await route.continue();
    });
    const held = page.waitForRequest((request) => request.headers().range?.startsWith(`bytes=${block}-`) === true);
    await viewer.goToHash(`@${middle}`);
    await held;
    const end = LINES.indexOf("line 40000 ");
    await viewer.goToHash(`@${end}`);
    await viewer.until("the last line", (rows) => rows.some(({ offset }) => offset === end));
    const late = page.waitForResponse((response) => {
      return response.request().headers().range?.startsWith(`bytes=${block}-`) === true;
    });
    release();
    await (await late).finished();
    await viewer.settle();
    assert.ok((await viewer.visible()).some(({ offset }) => offset === end));
    await viewer.close();
  });

  it("are not shown any more when the reader has gone elsewhere while their lines were counted", async () => {
    const viewer = await setup.open("/empty.log");
    const { page } = viewer;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/a.log?lines*", async (route) => {
      await released;
      await route.continue();
    });
    await page.goto(setup.url("/a.log#L10&q=line%2030000"));
    await page.locator("#hits", { hasText: /^1 found$/ }).waitFor();
    await page.getByLabel("Search the whole log").press("Enter");
    const hit = LINES.indexOf("line 30000 ");
    await viewer.until("the hit", (rows) => rows.some(({ offset }) => offset === hit));
    release();
    await viewer.until("numbers", (rows) => rows.some(({ number }) => number === 30_000));
    await viewer.settle();
    assert.ok((await viewer.visible()).some(({ offset }) => offset === hit));
    await viewer.close();
  });

  it("are shown if their link has another search, which ends the filter", async () => {
    const viewer = await setup.open("/a.log#&q=line%2020000");
    const { page } = viewer;
    await page.locator("#hits", { hasText: /^1 found$/ }).waitFor();
    await page.getByRole("button", { name: "Show only lines with hits" }).click();
    await viewer.until("the hit alone", (rows) => rows.length === 1);
    await viewer.goToHash("L9999&q=line%2030");
    await viewer.until("the line of the link", (rows) => rows.some(({ number }) => number === 9_999));
    await viewer.settle();
    assert.ok((await viewer.visible()).some(({ number }) => number === 9_999));
    await viewer.close();
  });

  it("are kept from the keys that were pressed while their bytes were read", async () => {
    const viewer = await setup.open("/a.log");
    const { page } = viewer;
    await viewer.untilLast("line 40000 of a log that is long enough");
    await viewer.settle();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/a.log?raw*", async (route) => {
      if (route.request().headers().range?.startsWith("bytes=0-")) await released;
      await route.continue();
    });
    const held = page.waitForRequest((request) => request.headers().range?.startsWith("bytes=0-") === true);
    await page.keyboard.press("Home");
    await held;
    await page.keyboard.press("PageDown");
    release();
    await viewer.until("the beginning", (rows) => rows.some(({ number }) => number === 30));
    await viewer.settle();
    const shown = await page.locator("#rows > *").count();
    assert.ok(shown < 500, `${shown} rows`);
    assert.ok((await viewer.visible()).every(({ number }) => Number(number) < 200));
    await viewer.close();
  });

  it("are lines of the source where the path is shown as Markdown", async () => {
    const viewer = await setup.open("/page.md");
    const { page } = viewer;
    await page.getByRole("heading", { name: "Title" }).waitFor();
    assert.equal(await page.getByRole("log").count(), 0);
    await reloadedAt(viewer, "L3");
    await viewer.until("the source", (rows) => rows.some(({ number, text }) => number === 3 && text === "- one"));
    assert.equal(await page.getByLabel("Show as").inputValue(), "log");
    await reloadedAt(viewer, "&as=markdown");
    await page.getByRole("heading", { name: "Title" }).waitFor();
    await reloadedAt(viewer, "&as=log");
    await viewer.until("the source", (rows) => rows.some(({ text }) => text === "# Title"));
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("can be left out of the dialog that asks for one", async () => {
    const viewer = await setup.open("/a.log");
    const { page } = viewer;
    await page.getByRole("button", { name: "Go to" }).click();
    const dialog = page.getByRole("dialog", { name: "Go to" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "hidden" });
    await viewer.close();
  });

  it("lets a reader switch single keys off in a document", async () => {
    const viewer = await setup.open("/page.md");
    const { page } = viewer;
    await page.getByRole("button", { name: "Keys and help" }).click();
    const box = page.getByRole("checkbox");
    assert.equal(await box.isChecked(), true);
    await box.uncheck();
    await page.getByRole("button", { name: "Close" }).click();
    const theme = await page.evaluate(() => document.documentElement.dataset.theme);
    await page.keyboard.press("t");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
    await page.reload();
    await page.getByRole("button", { name: "Keys and help" }).click();
    assert.equal(await box.isChecked(), false);
    await viewer.close();
  });
});

/** Changes the hash, and waits until the page has loaded again with another view. */
async function reloadedAt(viewer: Viewer, hash: string): Promise<void> {
  await Promise.all([viewer.page.waitForEvent("load"), viewer.goToHash(hash)]);
}

describe("the breadcrumbs of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    start: () => startMounted("node"),
    fill({ root }) {
      mkdirSync(join(root, "deep", "some folder"), { recursive: true });
      writeFileSync(join(root, "deep", "some folder", "a.log"), "line\n");
    },
  });

  it("begin at the mount, and lead to its folders", async () => {
    const base = setup.url(MOUNTS.deep);
    const viewer = await Viewer.open(setup.browser, `${base}/some%20folder/a.log`);
    const { page } = viewer;
    await viewer.untilLast("line");
    const links = page.getByRole("navigation").getByRole("link");
    assert.deepEqual(await links.allTextContents(), ["/", "some folder/"]);
    await links.nth(1).click();
    await viewer.untilState(/^One entry$/);
    assert.equal(page.url(), `${base}/some%20folder/`);
    assert.deepEqual(await links.allTextContents(), ["/"]);
    await links.click();
    await page.getByRole("heading", { name: "/", exact: true }).waitFor();
    assert.deepEqual([page.url(), await links.count()], [`${base}/`, 0]);
    await viewer.close();
  });
});
