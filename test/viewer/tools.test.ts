/** Times of arrival, groups, and copies of the viewer page. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

describe("tools of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  it("show when lines arrived that the page has seen arriving, and go to such a time", async () => {
    const url = setup.url("/times.log");
    await append(url, "before\n".repeat(300));
    const writer = (await openAppend(url)).getWriter();
    const viewer = await Viewer.open(setup.browser, url);
    const { page } = viewer;
    await viewer.untilState(/^Live$/);
    await viewer.until("what was there", (rows) => rows.at(-1)?.number === 300);
    const begin = Date.now();
    await writer.write("seen\n");
    await viewer.untilLast("seen");
    const end = Date.now();
    await writer.write("more\n".repeat(300));
    await viewer.until("more", (rows) => rows.at(-1)?.number === 601);
    await page.keyboard.press("s");
    assert.equal(await page.getByRole("button", { name: "Times" }).getAttribute("aria-pressed"), "true");
    await viewer.goToHash("L301");
    await viewer.until("the first one", (rows) => rows.some(({ number }) => number === 301));
    const seen = page.locator("[data-n='301']");
    const clock = await seen.evaluate((row) => getComputedStyle(row, "::after").content.replaceAll('"', ""));
    assert.equal(await page.locator("[data-n='300'][data-seen]").count(), 0);
    const possible = [begin, end].map((timeMs) => new Date(timeMs).toLocaleTimeString("en-GB"));
    assert.ok((possible[0] ?? "") <= clock && clock <= (possible[1] ?? ""), `${clock} of ${possible}`);
    assert.equal(await seen.textContent(), "seen");
    await page.keyboard.press("Home");
    await viewer.until("the start", ([row]) => row?.number === 1);
    await page.keyboard.press(":");
    await page.getByLabel("Line, @byte, percentage or time").fill(clock);
    await page.keyboard.press("Enter");
    await viewer.until("the time", (rows) => rows.some(({ number }) => number === 301));
    assert.deepEqual(await page.locator(".marked").allTextContents(), ["seen"]);
    await writer.close();
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("hide and show groups of the logs that GitHub and GitLab keep", async () => {
    const lines = [
      "2026-11-28T10:00:00.1234567Z ##[group]Run make",
      "2026-11-28T10:00:01.1234567Z make: ok",
      "2026-11-28T10:00:02.1234567Z ##[endgroup]",
      "\x1b[0Ksection_start:1560896352:one\r\x1b[0KFirst",
      "inside of it",
      "section_end:1690381332:one\r\x1b[0Ksection_start:1690381332:two\r\x1b[0KSecond",
      "inside of that",
      "section_end:1690381333:two\r\x1b[0K",
      "end",
    ];
    writeFileSync(join(setup.root, "groups.log"), `${lines.join("\n")}\n`);
    const viewer = await setup.open("/groups.log");
    await viewer.untilLast("end");
    const folds = viewer.page.getByRole("button", { name: "Hide the group" });
    assert.equal(await folds.count(), 3);
    for (let left = 3; left > 0; left--) {
      await folds.first().click();
      await viewer.page.waitForFunction(
        (count) => document.querySelectorAll("[aria-expanded=true].fold").length === count,
        left - 1,
      );
    }
    const rows = await viewer.until("the groups alone", (shown) => shown.length === 6);
    assert.deepEqual(
      rows.map(({ text }) => text),
      [lines[0], lines[2], "First", "Second", "", "end"],
    );
    await viewer.page.getByRole("button", { name: "Show the group" }).nth(1).click();
    await viewer.until("one of them", (shown) => shown.some(({ text }) => text === "inside of it"));
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("hide a section of GitLab that is to be hidden at first, unless a link leads into it", async () => {
    const lines = [
      "before",
      "section_start:1:one[collapsed=true]\r\x1b[0KFirst",
      "inside",
      "section_end:2:one\r\x1b[0K",
      "end",
    ];
    writeFileSync(join(setup.root, "collapsed.log"), `${lines.join("\n")}\n`);
    const viewer = await setup.open("/collapsed.log");
    const texts = (rows: readonly { text: string }[]): string => rows.map(({ text }) => text).join("|");
    await viewer.until("the section alone", (rows) => texts(rows) === "before|First||end");
    await viewer.page.getByRole("button", { name: "Show the group" }).click();
    await viewer.until("all lines", (rows) => texts(rows) === "before|First|inside||end");
    await viewer.close();
    const linked = await setup.open("/collapsed.log#L3");
    await linked.until("all lines", (rows) => texts(rows) === "before|First|inside||end");
    await linked.settle();
    assert.equal(texts(await linked.visible()), "before|First|inside||end");
    assert.deepEqual([...viewer.problems, ...linked.problems], []);
    await linked.close();
  });

  it("say why marked lines can't be saved", async () => {
    writeFileSync(join(setup.root, "long.log"), "a line\n".repeat(100_000));
    const viewer = await setup.open("/long.log#L1-L100000");
    const { page } = viewer;
    await viewer.until("the first line", ([row]) => row?.number === 1);
    await page.route(/raw=/, (route) => route.fulfill({ status: 403, body: "Reading is over." }));
    await page.keyboard.press("S");
    await page.getByRole("alert").filter({ hasText: "Reading is over." }).waitFor();
    // The browser itself reports the 403.
    assert.deepEqual(
      viewer.problems.filter((text) => !text.includes("403")),
      [],
    );
    await viewer.close();
  });

  it("copy and save marked lines without escape sequences, returns and numbers", async () => {
    const content = "\x1b[31mred\x1b[0m\r\nplain\r\n10%\r100%\r\nlast without a newline";
    writeFileSync(join(setup.root, "copy.log"), content);
    const viewer = await setup.open("/copy.log#L1-L99@0-9999");
    const { page } = viewer;
    await viewer.untilLast("last without a newline");
    await page.locator(".marked").nth(3).waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.keyboard.press("c");
    await page.getByRole("alert").filter({ hasText: "Copied 4 lines" }).waitFor();
    const wanted = "red\nplain\n100%\nlast without a newline";
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), wanted);
    const downloading = page.waitForEvent("download");
    await page.keyboard.press("S");
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "copy.log-lines.txt");
    assert.equal(readFileSync(await download.path(), "utf8"), wanted);
    await page.evaluate(() => {
      const writeText = (): Promise<void> => Promise.reject(new Error("denied"));
      Object.defineProperty(navigator, "clipboard", { value: { writeText } });
    });
    await page.keyboard.press("c");
    await page.getByText('The browser forbids copying. "S" saves the lines.').waitFor();
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("say when a line is more than they can copy", async () => {
    writeFileSync(
      join(setup.root, "long.log"),
      Buffer.concat([Buffer.alloc(20_000_000, "long "), Buffer.from("\nend\n")]),
    );
    const viewer = await setup.open("/long.log#@7");
    await viewer.page.locator(".marked").waitFor();
    await viewer.page.keyboard.press("c");
    await viewer.page.getByText("These lines are more than 16 MB. Save the file instead.").waitFor();
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});
