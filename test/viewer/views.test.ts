/** The other views of the viewer page: Markdown, lines of JSON, bytes, images. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { AxeResults } from "axe-core";
import type { Browser } from "playwright-core";
import { openAppend } from "../../src/client/mod.ts";
import { PROJECT } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { SKIP, startChromium, Viewer } from "./page.ts";

const AXE = readFileSync(createRequire(join(PROJECT, "package.json")).resolve("axe-core/axe.min.js"), "utf8");

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

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

describe("other views of the viewer page", { skip: SKIP }, () => {
  let server: TestServer;
  let browser: Browser;
  before(async () => {
    server = await startStandalone("node");
    browser = await startChromium();
  });
  after(async () => {
    await browser?.close();
    await server.stop();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`show Markdown as elements, and its HTML as text (${colorScheme})`, async () => {
      writeFileSync(join(server.root, "page.md"), MARKDOWN);
      const viewer = await Viewer.open(browser, `${server.url}/page.md`, { colorScheme });
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
    writeFileSync(join(server.root, "table.md"), MARKDOWN);
    const viewer = await Viewer.open(browser, `${server.url}/table.md`, { viewport: { width: 360, height: 640 } });
    const cells = viewer.page.locator("#document td");
    await cells.last().waitFor({ state: "visible" });
    const aligned = await cells.evaluateAll((all) => all.map((cell) => getComputedStyle(cell).textAlign));
    assert.deepEqual(aligned, ["start", "right"]);
    await viewer.close();
  });

  it("show Markdown as it grows, and keep what has not changed", async () => {
    const url = `${server.url}/answer.md`;
    const viewer = await Viewer.open(browser, url);
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

  it("show Markdown that can't be read in time, or is nested too deeply, as text", async () => {
    const slow = `${"a".repeat(300_000)}@`;
    for (const [name, text] of [
      ["slow.md", slow],
      ["deep.md", ">".repeat(30_000)],
    ] as const) {
      writeFileSync(join(server.root, name), text);
      const viewer = await Viewer.open(browser, `${server.url}/${name}`);
      await viewer.page.getByRole("alert").filter({ hasText: "would take too long" }).waitFor();
      assert.equal(await viewer.page.textContent("#document pre"), text);
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    }
    writeFileSync(join(server.root, "nested.md"), `${"> ".repeat(60)}the end`);
    const viewer = await Viewer.open(browser, `${server.url}/nested.md`);
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
    writeFileSync(join(server.root, "events.ndjson"), `${lines.join("\n")}\n`);
    for (const colorScheme of ["light", "dark"] as const) {
      const viewer = await Viewer.open(browser, `${server.url}/events.ndjson`, { colorScheme });
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

  it("show bytes, 16 in a row, with exact offsets", async () => {
    const content = Buffer.from(Array.from({ length: 100_003 }, (_, at) => (at * 7) % 256));
    writeFileSync(join(server.root, "core"), content);
    const viewer = await Viewer.open(browser, `${server.url}/core`);
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
    writeFileSync(join(server.root, "dot.png"), PNG);
    const viewer = await Viewer.open(browser, `${server.url}/dot.png?view`);
    const image = viewer.page.getByRole("img", { name: "/dot.png" });
    await image.waitFor();
    await viewer.page.waitForFunction(() => document.querySelector("img")?.naturalWidth === 1);
    assert.deepEqual(await faultsOf(viewer), []);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});

async function faultsOf({ page }: Viewer): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}
