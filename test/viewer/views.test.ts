/** The other views of the viewer page: Markdown, lines of JSON, bytes, images. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { faultsOf } from "./faults.ts";
import { PNG } from "./media.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const MARKDOWN = `# Title <script>window.hacked = 1</script>

Some **bold**, *slanted* and \`code <b>\` with a [link](https://example.com/a), a [bad one](javascript:window.hacked=1)
and an ![image](https://example.com/x.png) &lt;tag&gt;.

<img src=x onerror="window.hacked = 1">

- one
- [x] two

| a | b |
|---|--:|
| 1 | **2** |

\`\`\`js
const a = "<b>";
\`\`\`

> quoted
`;

describe("other views of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  for (const colorScheme of ["light", "dark"] as const) {
    it(`show Markdown as elements, and its HTML as text (${colorScheme})`, async () => {
      writeFileSync(join(setup.root, "page.md"), MARKDOWN);
      const viewer = await setup.open("/page.md", { colorScheme });
      const { page } = viewer;
      await page.locator("#document h2").waitFor();
      assert.equal(await page.textContent("#document h2"), "Title <script>window.hacked = 1</script>");
      assert.equal(await page.textContent("#document strong"), "bold");
      assert.equal(await page.textContent("#document p code"), "code <b>");
      assert.equal(await page.textContent("#document pre"), 'const a = "<b>";');
      assert.match((await page.textContent("#document p")) ?? "", /\[image\] <tag>\.$/);
      assert.deepEqual(await page.$$eval("#document a", (all) => all.map((one) => one.getAttribute("href"))), [
        "https://example.com/a",
      ]);
      assert.equal(await page.locator("#document td strong").textContent(), "2");
      assert.equal(await page.$$eval("#document :is(script, img)", (all) => all.length), 0);
      assert.equal(await page.evaluate(() => "hacked" in window), false);
      assert.deepEqual(await faultsOf(viewer), []);
      assert.deepEqual(viewer.problems, []);
      await Promise.all([page.waitForEvent("load"), page.getByLabel("Show as").selectOption("log")]);
      await viewer.untilLast("> quoted");
      assert.equal(new URL(page.url()).hash, "#&as=log");
      await viewer.close();
    });
  }

  it("show all columns of a Markdown table on a phone, aligned as it says", async () => {
    writeFileSync(join(setup.root, "table.md"), MARKDOWN);
    const viewer = await setup.open("/table.md", { viewport: { width: 360, height: 640 } });
    const cells = viewer.page.locator("#document td");
    await cells.last().waitFor({ state: "visible" });
    const aligned = await cells.evaluateAll((all) => all.map((cell) => getComputedStyle(cell).textAlign));
    assert.deepEqual(aligned, ["start", "right"]);
    await viewer.close();
  });

  it("show Markdown as it grows, and keep what has not changed", async () => {
    const url = setup.url("/answer.md");
    const viewer = await Viewer.open(setup.browser, url);
    const { page } = viewer;
    await viewer.untilState(/^Waiting/);
    const writer = (await openAppend(url)).getWriter();
    await writer.write("# An answer\n\nthat be");
    await page
      .locator("#document p")
      .filter({ hasText: /^that be$/ })
      .waitFor();
    await page.evaluate(() => Object.assign(document.querySelector("#document h2") ?? {}, { known: true }));
    await writer.write("gins\n\n- and goes **on**\n");
    await page.locator("#document li strong").filter({ hasText: /^on$/ }).waitFor();
    assert.equal(await page.evaluate(() => "known" in (document.querySelector("#document h2") ?? {})), true);
    await writer.close();
    await viewer.untilState(/^Complete$/);
    await viewer.close();
  });

  it("link in Markdown to where a later line says", async () => {
    for (const [name, definition] of [
      ["links.md", "[1]: https://example.com/docs"],
      ["nested-links.md", "> - [1]: https://example.com/docs"],
    ] as const) {
      const url = setup.url(`/${name}`);
      const writer = (await openAppend(url)).getWriter();
      await writer.write("See [docs][1].\n\n");
      const viewer = await Viewer.open(setup.browser, url);
      const { page } = viewer;
      await page.locator("#document p").filter({ hasText: "See [docs][1]." }).waitFor();
      await writer.write(`${definition}\n\nThe end.\n`);
      await page.locator("#document p").filter({ hasText: "The end." }).waitFor();
      assert.equal(await page.locator("#document a").getAttribute("href"), "https://example.com/docs");
      await writer.close();
      await viewer.close();
    }
  });

  it("show Markdown that can't be read in time, or is nested too deeply, as text", async () => {
    const slow = `${"a".repeat(300_000)}@`;
    for (const [name, text] of [
      ["slow.md", slow],
      ["deep.md", ">".repeat(30_000)],
    ] as const) {
      writeFileSync(join(setup.root, name), text);
      const viewer = await setup.open(`/${name}`);
      await viewer.page.getByRole("alert").filter({ hasText: "would take too long" }).waitFor();
      assert.equal(await viewer.page.textContent("#document pre"), text);
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    }
    writeFileSync(join(setup.root, "nested.md"), `${"> ".repeat(60)}the end`);
    const viewer = await setup.open("/nested.md");
    await viewer.page.locator("#document").filter({ hasText: "the end" }).waitFor();
    assert.equal(await viewer.page.locator("#document blockquote").count(), 40);
    await viewer.close();
  });

  it("let the parts of a line of JSON stand out, and change no text", async () => {
    const lines = [
      '{"time":"2026-11-28T12:00:00Z","level":"error","msg":"it \\"failed\\"","code":7,"ok":false}',
      '{"level":30,"msg":"pino","nested":{"a":[1,2]}}',
      "no JSON at all",
      '{"__proto__":{"x":1},"<b>":"<i>"}',
    ];
    writeFileSync(join(setup.root, "events.ndjson"), `${lines.join("\n")}\n`);
    for (const colorScheme of ["light", "dark"] as const) {
      const viewer = await setup.open("/events.ndjson", { colorScheme });
      const rows = await viewer.untilLast(lines[3] ?? "");
      assert.deepEqual(
        rows.map(({ text }) => text),
        lines,
      );
      const { page } = viewer;
      assert.equal(await page.locator(".level.bad").textContent(), '"error"');
      assert.deepEqual(await page.locator(".message").allTextContents(), ['"it \\"failed\\""', '"pino"']);
      assert.deepEqual(await faultsOf(viewer), []);
      await viewer.close();
    }
  });

  it("colour a document of JSON that is printed over several lines, also while it grows", async () => {
    const url = setup.url("/document.json");
    const writer = (await openAppend(url)).getWriter();
    await writer.write('{\n  "level": "error",\n  "unfinished": "a te');
    const viewer = await Viewer.open(setup.browser, url);
    const { page } = viewer;
    await viewer.untilLast('  "unfinished": "a te');
    assert.deepEqual(await page.locator(".key").allTextContents(), ['"level":', '"unfinished":']);
    assert.equal(await page.locator("[data-level=bad] .level.bad").textContent(), '"error"');
    await writer.write('xt"\n}\n');
    await viewer.untilLast("}");
    assert.deepEqual(await page.locator("#rows .text").allTextContents(), ['"a text"']);
    await writer.close();
    await viewer.close();
  });

  it("show a long line of JSON as rows with indents, also while it grows", async () => {
    const url = setup.url("/long.json");
    const writer = (await openAppend(url)).getWriter();
    const record = (at: number): string => `{"at":${at},"list":[true,{}],"text":"${"x".repeat(100)}"}`;
    const records = Array.from({ length: 2_000 }, (_, at) => record(at));
    await writer.write(`[${records.slice(0, 1_000).join(",")},`);
    const viewer = await Viewer.open(setup.browser, url);
    const { page } = viewer;
    const endsWith = (end: string): Promise<unknown> =>
      viewer.until(
        end,
        (rows) =>
          rows
            .slice(-3)
            .map(({ text }) => text.slice(0, 5))
            .join(" ") === end,
      );
    await endsWith('], "text },');
    await writer.write(`${records.slice(1_000).join(",")}]\n`);
    await endsWith('"text } ]');
    await page.keyboard.press("Home");
    const rows = await viewer.until("the beginning", ([row]) => row?.offset === 0);
    assert.deepEqual(
      rows.slice(0, 9).map(({ text }) => text),
      ["[", "{", '"at":0,', '"list":[', "true,", "{}", "],", `"text":"${"x".repeat(100)}"`, "},"],
    );
    const indents = await page.$$eval("#rows .row", (all) =>
      all.map((row) => parseFloat(getComputedStyle(row).paddingLeft)),
    );
    assert.ok((indents[1] ?? 0) > (indents[0] ?? 0) && (indents[2] ?? 0) > (indents[1] ?? 0));
    assert.equal(await page.locator("[data-offset='1']").getAttribute("data-n"), null);
    await page.getByLabel("Search the whole log").fill('"at":1234,');
    await page
      .locator("#hits")
      .filter({ hasText: /^1 found$/ })
      .waitFor();
    await page.getByRole("button", { name: "Next hit" }).click();
    await viewer.until("the hit", (shown) => shown.some(({ text }) => text === '"at":1234,'));
    const offset = 1 + records.slice(0, 1_500).join(",").length + 1;
    await viewer.goToHash(`#@${offset + 10}`);
    await viewer.until("the record", (shown) => shown.some(({ text }) => text === '"at":1500,'));
    assert.deepEqual(viewer.problems, []);
    await writer.close();
    await viewer.close();
  });

  it("search lines of JSON by their fields, and show only these", async () => {
    const lines = Array.from(
      { length: 3_000 },
      (_, at) => `{"level":"${at % 1_000 === 7 ? "error" : "info"}","status":${at % 500},"msg":"line ${at}"}`,
    );
    writeFileSync(join(setup.root, "filtered.ndjson"), `${lines.join("\n")}\n`);
    const viewer = await setup.open("/filtered.ndjson");
    const { page } = viewer;
    await viewer.untilLast(lines[2_999] ?? "");
    const box = page.getByLabel("Search the whole log");
    await box.fill(".level=error .status<8 line");
    await page
      .locator("#hits")
      .filter({ hasText: /^3 found$/ })
      .waitFor();
    await page.getByRole("button", { name: "Show only lines with hits" }).click();
    const rows = await viewer.until("the hits alone", (shown) => shown.length === 3);
    assert.deepEqual(
      rows.map(({ text }) => text),
      [7, 1_007, 2_007].map((at) => lines[at]),
    );
    await box.fill(".status>");
    await page.locator("#hits").filter({ hasText: '".status>" needs a value' }).waitFor();
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
    // In a log it is a text.
    const log = await setup.open("/filtered.ndjson#&as=log");
    await log.untilLast(lines[2_999] ?? "");
    await log.page.getByLabel("Search the whole log").fill(".level=error");
    await log.page
      .locator("#hits")
      .filter({ hasText: /^0 found$/ })
      .waitFor();
    await log.close();
  });

  it("show bytes, 16 in a row, with exact offsets", async () => {
    const content = Buffer.from(Array.from({ length: 100_003 }, (_, at) => (at * 7) % 256));
    writeFileSync(join(setup.root, "core"), content);
    const viewer = await setup.open("/core");
    const { page } = viewer;
    await viewer.until("the end", (rows) => rows[rows.length - 1]?.offset === 100_000);
    for (const key of ["Home", "PageDown", "End", "PageUp"]) {
      await page.keyboard.press(key);
      await viewer.settle();
      for (const { offset, text } of await viewer.rows()) {
        const bytes = content.subarray(offset, offset + 16);
        assert.equal(offset % 16, 0);
        const numbers = bytes.toString("hex").replace(/../g, "$& ").trim();
        assert.equal(text.slice(0, 49).trim().replace(/ +/g, " "), numbers);
      }
    }
    await page.evaluate(() => {
      location.hash = "@50001";
    });
    await viewer.until("the byte", (rows) => rows.some(({ offset }) => offset === 50_000));
    assert.deepEqual(await faultsOf(viewer), []);
    await page.setViewportSize({ width: 360, height: 640 });
    const shown = await page.locator("#rows .row").evaluateAll((rows) =>
      rows.map((row) => {
        const { offset } = (row as HTMLElement).dataset;
        const { content } = getComputedStyle(row, "::before");
        return (content === `"${offset}"` || content === "attr(data-offset)") && row.clientHeight === 18;
      }),
    );
    assert.ok(shown.length > 0 && shown.every(Boolean), "each row is one line, after its offset");
    await viewer.close();
  });

  it("show an image, which the browser shows itself without ?view", async () => {
    writeFileSync(join(setup.root, "dot.png"), PNG);
    const viewer = await setup.open("/dot.png?view");
    const image = viewer.page.getByRole("img", { name: "/dot.png" });
    await image.waitFor();
    await viewer.page.waitForFunction(() => document.querySelector("img")?.naturalWidth === 1);
    assert.deepEqual(await faultsOf(viewer), []);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});
