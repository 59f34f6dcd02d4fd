/** The search of the viewer page, over the whole file on the server. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { until } from "../fixture/until.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const LINES = Array.from(
  { length: 30_000 },
  (_, at) => `line ${at + 1}${at % 5_000 === 1_234 ? " \x1b[31mneedle\x1b[m here" : ""}`,
);
const FOUND = LINES.flatMap((line, at) => (line.includes("needle") ? [at + 1] : []));

describe("the search of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill: ({ root }) => writeFileSync(join(root, "a.log"), `${LINES.join("\n")}\n`),
  });

  it("counts the hits, goes to the next and the previous one, and marks them", async () => {
    const viewer = await setup.open("/a.log#L1");
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

  it("goes on from the reader's place where the first 10,000 hits do not reach it", async () => {
    const viewer = await setup.open("/a.log#&q=line");
    const { page } = viewer;
    await page.locator("#hits", { hasText: /^10000 or more found$/ }).waitFor();
    const [top] = await viewer.until("the end", (rows) => rows.at(-1)?.number === LINES.length);
    const box = page.getByLabel("Search the whole log");
    await box.press("Enter");
    await page.locator("#hits", { hasText: /^One of 10000 or more found$/ }).waitFor();
    await viewer.until("the same place", (rows) => rows.some(({ number }) => number === top?.number));
    await box.press("Escape");
    // A later hit has a number if the reader comes from the first ones.
    await viewer.goToHash("L9999");
    await viewer.until("line 9,999", (rows) => rows.some(({ number }) => number === 9_999));
    await box.fill("line");
    await page.locator("#hits", { hasText: /^10000 or more found$/ }).waitFor();
    for (let step = 0; step < 30; step++) await box.press("Enter");
    await page.locator("#hits", { hasText: /^100[0-3]\d of 11000 or more found$/ }).waitFor();
    for (let step = 0; step < 50; step++) await box.press("Shift+Enter");
    await page.locator("#hits", { hasText: /^99\d\d of 11000 or more found$/ }).waitFor();
    // Before the first hit is the last one.
    await viewer.goToHash("L1");
    await box.fill("line ");
    await page.locator("#hits", { hasText: /^10000 or more found$/ }).waitFor();
    await box.press("Shift+Enter");
    await viewer.until("the last line", (rows) => rows.at(-1)?.number === LINES.length);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("has a mark for each hit beside the scrollbar, at its place, also when the path has grown", async () => {
    const content = `${"x".repeat(99)}\n`.repeat(1_000);
    const places = [0, 25_000, 50_000, 75_000];
    const parts = places.map((place) => `${content.slice(place, place + 24_993)}needle\n`);
    writeFileSync(join(setup.root, "marks.log"), parts.join(""));
    const viewer = await setup.open("/marks.log#&q=needle");
    const { page } = viewer;
    await page.locator("#hits", { hasText: /^4 found$/ }).waitFor();
    assert.deepEqual(
      (await page.evaluate(marksIn)).map((at) => Math.round(at * 100)),
      [25, 50, 75, 100],
    );
    await append(setup.url("/marks.log"), content);
    await until("marks that have moved", async () => {
      const marks = (await page.evaluate(marksIn)).map((at) => Math.round(at * 200));
      return JSON.stringify(marks) === JSON.stringify([25, 50, 75, 100]) || undefined;
    });
    await page.getByLabel("Search the whole log").press("Escape");
    assert.deepEqual(await page.evaluate(marksIn), []);
    await viewer.close();
  });

  it("shows a hit far behind the beginning of its line, with and without wrapping", async () => {
    const long = `${"x ".repeat(50_000)}needle${" y".repeat(50_000)}`;
    writeFileSync(join(setup.root, "wide.log"), `first\n${long}\nneedle\n${long} needle\nlast\n`);
    const viewer = await setup.open("/wide.log#L1&q=needle");
    const { page } = viewer;
    await page.locator("#hits", { hasText: /^4 found$/ }).waitFor();
    const box = page.getByLabel("Search the whole log");
    for (const wraps of [true, false]) {
      if (!wraps) await page.getByRole("button", { name: "Wrap" }).click();
      for (const [at, nth] of [
        [2, 0],
        [3, 0],
        [4, 0],
        [5, 1],
      ] as const) {
        await box.press("Enter");
        await page.locator("#hits", { hasText: `${at - 1} of 4 found` }).waitFor();
        await until(`hit ${nth} of line ${Math.min(4, at)}`, () =>
          page.evaluate(isInView, { line: Math.min(4, at), nth }),
        );
      }
    }
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("stops when the reader types something else", async () => {
    const viewer = await setup.open("/a.log#&q=line");
    await viewer.page.locator("#hits", { hasText: "10000 or more found" }).waitFor();
    await viewer.page.getByLabel("Search the whole log").fill("nothing has this");
    await viewer.page.locator("#hits", { hasText: "0 found" }).waitFor();
    await viewer.page.getByLabel("Search the whole log").press("Escape");
    await viewer.page.waitForFunction(() => document.querySelector("#hits")?.textContent === "");
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("shows only the lines with hits, and as many around them as the reader wants", async () => {
    const viewer = await setup.open("/a.log#&q=needle");
    const { page } = viewer;
    await page.locator("#hits", { hasText: `${FOUND.length} found` }).waitFor();
    const filter = page.getByRole("button", { name: "Show only lines with hits" });
    await filter.click();
    const rows = await viewer.until(
      "the hits",
      (shown) => shown.length === FOUND.length && shown.every(({ number }) => number),
    );
    assert.deepEqual(
      rows.map(({ number, text, offset }) => [number, text, offset]),
      FOUND.map((line) => [line, textOf(line), offsetOf(line)]),
    );
    await page.getByLabel("Lines around each hit").selectOption("2");
    const around = FOUND.flatMap((line) => [line - 2, line - 1, line, line + 1, line + 2]);
    const wide = await viewer.until(
      "the lines around",
      (shown) => shown.length === around.length && shown.every(({ number }) => number),
    );
    assert.deepEqual(
      wide.map(({ number }) => number),
      around,
    );
    assert.equal(await page.locator(".around").count(), 4 * FOUND.length);
    await filter.click();
    await viewer.until("all lines", (shown) => shown.length > 30);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("finds by a regular expression without the server, and what arrives later as well", async () => {
    writeFileSync(join(setup.root, "live.log"), `${LINES.join("\n")}\n`);
    const viewer = await setup.open("/live.log");
    const { page } = viewer;
    const searched: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("search=")) searched.push(request.url());
    });
    await viewer.untilLast("line 30000");
    await page.getByLabel("Search the whole log").fill("re:^LINE (1235|[12]0999) ?(needle|$)");
    await page.locator("#hits", { hasText: /^3 found$/ }).waitFor();
    await page.getByRole("button", { name: "Show only lines with hits" }).click();
    const wanted = [1_235, 10_999, 20_999];
    const shows = (more: readonly string[]) => async (): Promise<void> => {
      const texts = [...wanted.map(textOf), ...more];
      await viewer.until("the hits", (rows) => JSON.stringify(rows.map(({ text }) => text)) === JSON.stringify(texts));
    };
    await shows([])();
    await append(setup.url("/live.log"), "line 1235 needle comes again\nline 7\nline 10999");
    await shows(["line 1235 needle comes again", "line 10999"])();
    await append(setup.url("/live.log"), " \nline 20999\n");
    await shows(["line 1235 needle comes again", "line 10999 ", "line 20999"])();
    assert.deepEqual([searched, viewer.problems], [[], []]);
    await viewer.close();
  });

  it("finds what arrives later also by a text", async () => {
    await append(setup.url("/grows.log"), "a needle\nhay\n");
    const viewer = await setup.open("/grows.log#&q=needle");
    await viewer.page.locator("#hits", { hasText: /^1 found$/ }).waitFor();
    await append(setup.url("/grows.log"), "more hay\nanother nee");
    await append(setup.url("/grows.log"), "dle\n");
    await viewer.page.locator("#hits", { hasText: /^2 found$/ }).waitFor();
    await viewer.close();
  });

  it("finds what arrives while it searches", async () => {
    const url = setup.url("/meanwhile.log");
    await append(url, "a needle\n");
    const viewer = await Viewer.open(setup.browser, url);
    await viewer.untilLast("a needle");
    await viewer.page.route(
      "**/*search=*",
      async (route) => {
        const response = await route.fetch();
        await append(url, "another needle\n");
        await viewer.untilLast("another needle");
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    await viewer.page.getByLabel("Search the whole log").fill("needle");
    await viewer.page.locator("#hits", { hasText: /^2 found$/ }).waitFor();
    await viewer.close();
  });

  it("gives up on an expression that takes too long, and says what is none", async () => {
    writeFileSync(join(setup.root, "slow.log"), `first\n${"a".repeat(60)}!\n`);
    const viewer = await setup.open("/slow.log");
    const { page } = viewer;
    await viewer.until("lines", (rows) => rows.length === 2);
    const box = page.getByLabel("Search the whole log");
    await box.fill("re:(");
    await page.getByText("That is not a valid regular expression.").waitFor();
    await box.fill("re:(a+)+$");
    await page.getByText("Searching …").waitFor();
    // A search that hangs holds up neither the page nor the follow.
    await append(setup.url("/slow.log"), "later\n");
    await viewer.untilLast("later");
    await page.getByText("This expression takes too long.").waitFor();
    await box.fill("re:^f");
    await page.locator("#hits", { hasText: /^1 found$/ }).waitFor();
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("says so where the server does not search", async () => {
    const viewer = await setup.open("/a.log");
    await viewer.page.route("**/*search=*", (route) =>
      route.fulfill({ status: 200, headers: { "Accept-Ranges": "bytes" }, body: "x" }),
    );
    await viewer.page.getByLabel("Search the whole log").fill("needle");
    await viewer.page.getByText("This server can't search.").waitFor();
    await viewer.close();
  });
});

/** Runs in the page: where marks are beside the scrollbar, as fractions of its height. */
function marksIn(): number[] {
  const canvas = document.querySelector<HTMLCanvasElement>("#marks");
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return [];
  const { width, height } = canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const isDrawn = (y: number): boolean => y >= 0 && (data[(y * width + 1) * 4 + 3] ?? 0) > 0;
  return Array.from({ length: height }, (_, y) => y)
    .filter((y) => isDrawn(y) && !isDrawn(y - 1))
    .map((y) => y / (height - 2));
}

/** Runs in the page: whether a hit of a line is painted and in view. */
function isInView({ line, nth }: { readonly line: number; readonly nth: number }): boolean {
  const row = document.querySelector(`[data-n="${line}"]`);
  const frame = document.querySelector("#window")?.getBoundingClientRect();
  const ranges = [...(CSS.highlights.get("hit") ?? [])].filter(({ startContainer }) => row?.contains(startContainer));
  const range = ranges[nth];
  if (!(range instanceof Range) || !frame) return false;
  const { top, bottom, left, right } = range.getBoundingClientRect();
  return top >= frame.top && bottom <= frame.bottom && left >= frame.left && right <= frame.right;
}

/** The text of a line as it is shown. */
function textOf(line: number): string {
  return (LINES[line - 1] ?? "").replace("\x1b[31m", "").replace("\x1b[m", "");
}

function offsetOf(line: number): number {
  return LINES.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
}
