/** The viewer page for everyone: axe finds nothing, the keyboard suffices, a phone is wide enough. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { BrowserContextOptions } from "playwright-core";
import { sign, signer } from "../auth/tokens.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { faultsOf } from "./faults.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const ESC = "\x1b";

/** Text in every colour, with and without a background. */
const COLOURS = [
  ...Array.from(
    { length: 256 },
    (_, at) => `${ESC}[38;5;${at}mcolour ${at}${ESC}[m ${ESC}[48;5;${at}mon ${at}${ESC}[m`,
  ),
  ...["7", "1", "2", "3", "4", "9", "2;31", "7;31", "31;41", "97;47", "38;2;1;2;3", "48;2;250;250;250;97"].map(
    (codes) => `${ESC}[${codes}mstyle ${codes}${ESC}[m`,
  ),
  `${ESC}]8;;https://example.com/${ESC}\\a link${ESC}]8;;${ESC}\\ and \u202e \0 signs`,
  "##[group]A group",
  "inside",
  "##[endgroup]",
  "x".repeat(5_000),
];

/** Shows every line of the log at once. */
const TALL = { width: 1280, height: COLOURS.length * 24 };

const SETTINGS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light", viewport: TALL },
  dark: { colorScheme: "dark", viewport: TALL },
  "a phone": { colorScheme: "light", viewport: { width: 360, height: 640 }, hasTouch: true },
  "forced colours": { forcedColors: "active", viewport: TALL },
};

describe("the viewer page for everyone", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill: ({ root }) => writeFileSync(join(root, "colours.log"), `${COLOURS.join("\n")}\n`),
  });
  let gated: TestServer;
  let keys: string;
  let token: string;
  before(async () => {
    const key = await signer("HS256");
    keys = await temporaryFolder("key");
    writeFileSync(join(keys, "key.json"), JSON.stringify(key.jwk), { mode: 0o600 });
    gated = await startStandalone("node", { args: ["--key", join(keys, "key.json")] });
    writeFileSync(join(gated.root, "a.log"), "line\n");
    token = await sign(key, { httpfstream: { read: ["/**"], list: ["/**"] } });
  });
  after(async () => {
    await gated?.stop();
    await removeFolder(keys);
  });

  for (const [name, options] of Object.entries(SETTINGS)) {
    it(`has no fault that axe finds: ${name}`, async () => {
      const log = await setup.open("/colours.log#L3", options);
      await log.untilState(/^Not being written$/);
      await log.until("marked lines", (rows) => rows.some(({ number }) => number === 3));
      if (options.viewport === TALL) await log.until("every line", (rows) => rows.length === COLOURS.length);
      assert.deepEqual(await faultsOf(log), []);
      for (let page = 0; options.viewport !== TALL && page < 12; page++) {
        await log.page.keyboard.press("PageDown");
        await log.settle();
        assert.deepEqual(await faultsOf(log), [], `page ${page}`);
      }
      await log.page.keyboard.press("?");
      await log.page.getByRole("dialog", { name: "Keys" }).waitFor();
      assert.deepEqual(await faultsOf(log), [], "the help");
      await log.close();

      const waiting = await setup.open("/never.log", options);
      await waiting.untilState(/^Waiting/);
      assert.deepEqual(await faultsOf(waiting), [], "waiting");
      await waiting.close();

      const asking = await Viewer.open(setup.browser, `${gated.url}/a.log`, options);
      await asking.page.getByLabel("Token").waitFor();
      assert.deepEqual(await faultsOf(asking), [], "asking for a token");
      await asking.close();

      const folder = await Viewer.open(setup.browser, `${gated.url}/?access_token=${token}`, options);
      await folder.page.getByRole("link", { name: "a.log" }).waitFor();
      assert.deepEqual(await faultsOf(folder), [], "a folder");
      await folder.close();
    });
  }

  it("chooses a theme, and keeps it", async () => {
    const viewer = await setup.open("/colours.log", { colorScheme: "light" });
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length > 0);
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.keyboard.press("t");
    assert.equal(await background(), light);
    await page.keyboard.press("t");
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    await viewer.until("lines", (rows) => rows.length > 0);
    assert.equal(await background(), dark);
    assert.deepEqual(await faultsOf(viewer), []);
    await viewer.close();
  });

  it("fits on a phone: nothing is wider than the window, and every control is large enough", async () => {
    const viewer = await setup.open("/colours.log", SETTINGS["a phone"]);
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length > 0);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    const sizes = await page.$$eval("#tools button, #tools input, #tools a", (all) =>
      all.map((one) => one.getBoundingClientRect()).filter(({ width, height }) => width < 44 || height < 44),
    );
    assert.deepEqual(sizes, []);
    const { rows, header } = await page.evaluate(() => ({
      rows: document.querySelector("#view")?.clientHeight ?? 0,
      header: document.querySelector("header")?.clientHeight ?? 0,
    }));
    assert.ok(header < 120 && rows > 480, `the header has ${header} pixels, the lines ${rows}`);
    await viewer.close();
  });

  it("can be used with the keyboard alone", async () => {
    const viewer = await setup.open("/colours.log");
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length > 0);
    const seen = new Set<string>();
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press("Tab");
      seen.add(await page.evaluate(() => document.activeElement?.id ?? ""));
    }
    for (const id of ["search", "follow", "wrap", "goto", "copy", "save", "raw", "theme", "help", "view"]) {
      assert.ok(seen.has(id), `Tab reaches ${id}; it reaches ${[...seen].join(", ")}`);
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await viewer.close();
  });

  it("lets a reader switch single keys off", async () => {
    const viewer = await setup.open("/colours.log");
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length > 0);
    await page.keyboard.press("?");
    await page.getByLabel("Single keys are shortcuts").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("w");
    assert.equal(await page.getAttribute("#wrap", "aria-pressed"), "true");
    await page.keyboard.press("Home");
    await viewer.until("the first line", ([row]) => row?.number === 1);
    await viewer.close();
  });

  it("offers the plain text and the folder without scripts", async () => {
    const viewer = await setup.open("/colours.log", { javaScriptEnabled: false });
    await viewer.page.getByRole("link", { name: "its folder" }).click();
    await viewer.page.getByRole("link", { name: "colours.log" }).click();
    await viewer.page.getByRole("link", { name: "plain text" }).click();
    assert.equal(new URL(viewer.page.url()).search, "?raw");
    await viewer.close();
  });

  it("hides the lines of a group, and shows them again", async () => {
    writeFileSync(join(setup.root, "groups.log"), "before\n##[group]Install\none\ntwo\n##[endgroup]\nafter\n");
    const viewer = await setup.open("/groups.log");
    const { page } = viewer;
    await viewer.untilLast("after");
    await page.getByRole("button", { name: "Hide the group" }).click();
    const texts = async (): Promise<string[]> => (await viewer.visible()).map(({ text }) => text);
    await viewer.until("fewer lines", (rows) => rows.length === 4);
    assert.deepEqual(await texts(), ["before", "##[group]Install", "##[endgroup]", "after"]);
    await page.getByRole("button", { name: "Show the group" }).press("Enter");
    await viewer.until("all lines", (rows) => rows.length === 6);
    await viewer.close();
  });

  it("shows all of a long line when asked", async () => {
    writeFileSync(join(setup.root, "long.log"), `${"x".repeat(100_000)}\n`);
    const viewer = await setup.open("/long.log");
    await viewer.page.getByRole("button", { name: "Show more of this line" }).click();
    await viewer.until("the whole line", ([row]) => row?.text.length === 100_000);
    await viewer.close();
  });

  it("offers no more of a line than it can show", async () => {
    writeFileSync(join(setup.root, "longer.log"), `${"x".repeat(1_100_000)}\n`);
    const viewer = await setup.open("/longer.log");
    const more = viewer.page.getByRole("button", { name: "Show more of this line" });
    await more.click();
    await viewer.page.locator("[data-more='51.4 KB'].rest").waitFor();
    assert.equal(await more.count(), 0);
    await viewer.close();
  });
});
