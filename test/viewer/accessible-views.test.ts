/** The views and dialogs of the viewer page for everyone: colours, forced colours, paper, less motion. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { BrowserContextOptions } from "playwright-core";
import { openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { faultsOf } from "./faults.ts";
import { PNG } from "./media.ts";
import { ChromiumSetup } from "./setup.ts";

const JSON_LINES = [
  '{"level":"error","msg":"one","n":1}',
  '{"level":"warn","msg":"two","ok":true}',
  '{"level":"info","msg":"three","none":null}',
  "no JSON",
];

const MARKDOWN = `# Title\n\nSome **bold**, \`code\` and a [link](https://example.com/).\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n`;

/** Paths, and what shows that their view is there. */
const VIEWS = {
  "/core": "#rows .row",
  "/dot.png?view": "#document img",
  "/events.ndjson": "#rows .level.bad",
  "/page.md": "#document table",
} as const;

const SETTINGS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "forced colours": { forcedColors: "active" },
};

describe("the views of the viewer page for everyone", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill: ({ root }) => {
      writeFileSync(join(root, "core"), Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256)));
      writeFileSync(join(root, "dot.png"), PNG);
      writeFileSync(join(root, "events.ndjson"), `${JSON_LINES.join("\n")}\n`);
      writeFileSync(join(root, "page.md"), MARKDOWN);
      writeFileSync(join(root, "a.log"), Array.from({ length: 200 }, (_, at) => `line ${at}\n`).join(""));
    },
  });

  for (const [name, options] of Object.entries(SETTINGS)) {
    it(`have no fault that axe finds: ${name}`, async () => {
      for (const [path, shown] of Object.entries(VIEWS)) {
        const viewer = await setup.open(path, options);
        await viewer.page.locator(shown).first().waitFor();
        assert.deepEqual(await faultsOf(viewer), [], path);
        await viewer.close();
      }
    });

    it(`have no fault in dialogs, filters and times: ${name}`, async () => {
      const writer = (await openAppend(setup.url("/a.log"))).getWriter();
      const viewer = await setup.open("/a.log", options);
      const { page } = viewer;
      await viewer.until("lines", (rows) => rows.length > 0);
      await page.getByRole("button", { name: "Times" }).click();
      await writer.write(`seen, ${name}\n`);
      await viewer.untilLast(`seen, ${name}`);
      await page.locator(".row[data-seen]").waitFor();
      assert.deepEqual(await faultsOf(viewer), [], "times");
      await page.getByLabel("Search the whole log").fill("line 1");
      await page.locator("#hits").filter({ hasText: "found" }).filter({ hasNotText: "…" }).waitFor();
      await page.getByRole("button", { name: "Show only lines with hits" }).click();
      await page.getByLabel("Lines around each hit").selectOption("2");
      await page.locator(".row.around").first().waitFor();
      assert.deepEqual(await faultsOf(viewer), [], "a filter");
      await page.getByRole("button", { name: "Go to" }).click();
      await page.getByRole("dialog", { name: "Go to" }).waitFor();
      assert.deepEqual(await faultsOf(viewer), [], "the dialog");
      await page.getByRole("dialog").getByRole("textbox").fill("nowhere");
      await page.getByRole("dialog").getByRole("button", { name: "Go", exact: true }).click();
      await page.locator("#goto-note:not(:empty)").waitFor();
      assert.deepEqual(await faultsOf(viewer), [], "its note");
      await writer.close();
      await viewer.close();
    });
  }

  it("keep the colours of the reader where these are forced", async () => {
    const viewer = await setup.open("/events.ndjson", { forcedColors: "active" });
    await viewer.untilLast("no JSON");
    const colours = await viewer.page.$$eval("#rows .row span", (all) => [
      ...new Set(all.map((one) => getComputedStyle(one).color)),
    ]);
    assert.deepEqual(colours, [await viewer.page.evaluate(() => getComputedStyle(document.body).color)]);
    await viewer.close();
  });

  it("do not move for readers who want less motion", async () => {
    const writer = (await openAppend(setup.url("/live.log"))).getWriter();
    await writer.write("a line\n");
    for (const [reducedMotion, animation] of [
      ["reduce", "none"],
      ["no-preference", "pulse"],
    ] as const) {
      const viewer = await setup.open("/live.log", { reducedMotion });
      await viewer.untilState(/^Live$/);
      const name = await viewer.page.evaluate(
        () => getComputedStyle(document.querySelector("#state") as Element, "::before").animationName,
      );
      assert.equal(name, animation);
      await viewer.close();
    }
    await writer.close();
  });

  it("are lines alone on paper, from the first row of the document on, wrapped", async () => {
    const viewer = await setup.open("/a.log");
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length > 0);
    await page.getByRole("button", { name: "Wrap" }).click();
    await page.emulateMedia({ media: "print" });
    const paper = await page.evaluate(() => {
      const isShown = (selector: string): boolean =>
        (document.querySelector(selector)?.getClientRects().length ?? 0) > 0;
      const first = document.querySelector(".row");
      const list = document.querySelector("#rows");
      return {
        tools: ["#tools", "#news", "#marks", "#banner"].filter(isShown),
        transform: getComputedStyle(list as Element).transform,
        wraps: getComputedStyle(first as Element).whiteSpace,
        top:
          (first?.getBoundingClientRect().top ?? -1) >=
          (document.querySelector("header")?.getBoundingClientRect().bottom ?? 0),
        // Nothing is cut: the document is as long as its rows.
        isWhole: document.documentElement.scrollHeight >= (list?.getBoundingClientRect().height ?? Infinity),
      };
    });
    assert.deepEqual(paper, { tools: [], transform: "none", wraps: "pre-wrap", top: true, isWhole: true });
    await viewer.close();
  });
});
