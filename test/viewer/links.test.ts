/** Links, numbers, keys and search in the viewer page. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { startStandalone } from "../fixture/servers.ts";
import type { ShownRow, Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const LINES = Array.from(
  { length: 20_000 },
  (_, at) => `2026-11-28T10:${minutes(at)} line ${at + 1} ${"x".repeat(at % 90)}`,
);
const OFFSETS = offsetsOf(LINES);

describe("links of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    fill: ({ root }) => writeFileSync(join(root, "a.log"), `${LINES.join("\n")}\n`),
  });
  const open = (hash: string): Promise<Viewer> => setup.open(`/a.log${hash}`);
  const shows = (line: number) => (rows: ShownRow[]) =>
    rows.some(
      ({ number, text, offset }) => number === line && text === LINES[line - 1] && offset === OFFSETS[line - 1],
    );
  const marked = ({ page }: Viewer): Promise<number[]> =>
    page.$$eval(".marked", (all) => all.map((row) => Number((row as HTMLElement).dataset.n)));

  it("lead to a line, a range of lines, a byte, and follow a changed hash", async () => {
    const viewer = await open("#L15000");
    await viewer.until("line 15,000", shows(15_000));
    assert.deepEqual(await marked(viewer), [15_000]);
    await viewer.goToHash("L120-L123");
    await viewer.until("line 120", shows(120));
    await viewer.settle();
    assert.deepEqual(await marked(viewer), [120, 121, 122, 123]);
    await viewer.goToHash(`@${(OFFSETS[9_999] ?? 0) + 5}`);
    await viewer.until("line 10,000", shows(10_000));
    assert.deepEqual(await marked(viewer), [10_000]);
    await viewer.page.goBack();
    await viewer.until("line 120", shows(120));
    await viewer.goToHash("L1");
    await viewer.until("line 1", shows(1));
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("are exact by their bytes, and say if the numbers are those of other content", async () => {
    const [from = 0, to = 0] = [OFFSETS[11_999], OFFSETS[12_002]];
    const viewer = await open(`#L12000-L12002@${from}-${to}`);
    await viewer.until("line 12,000", shows(12_000));
    await viewer.settle();
    assert.deepEqual(await marked(viewer), [12_000, 12_001, 12_002]);
    assert.equal(await viewer.page.getByRole("alert").count(), 0);
    await viewer.goToHash(`L7@${from}-${to}`);
    await viewer.page.getByRole("alert").filter({ hasText: "This is line 12000. The link says 7" }).waitFor();
    await viewer.close();
  });

  it("are made by clicks on numbers", async () => {
    const viewer = await open("#L500");
    const { page } = viewer;
    await viewer.until("line 500", shows(500));
    await viewer.settle();
    const click = async (line: number, modifiers: "Shift"[] = []): Promise<void> => {
      await page.locator(`[data-n="${line}"]`).click({ position: { x: 10, y: 8 }, modifiers });
    };
    await click(503);
    assert.equal(new URL(page.url()).hash, `#L503@${OFFSETS[502]}-${OFFSETS[503]}`);
    await click(505, ["Shift"]);
    assert.equal(new URL(page.url()).hash, `#L503-L505@${OFFSETS[502]}-${OFFSETS[505]}`);
    assert.deepEqual(await marked(viewer), [503, 504, 505]);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.keyboard.press("c");
    await page.getByRole("alert").filter({ hasText: "Copied 3 lines" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${LINES.slice(502, 505).join("\n")}\n`);
    await viewer.close();
  });

  it("obeys Home, End, PageUp and PageDown wherever the focus is", async () => {
    const viewer = await open("");
    const { page } = viewer;
    await viewer.until("the end", shows(LINES.length));
    for (const selector of ["body", "#view", "#wrap", "#search", "#raw", "#search"]) {
      // The second time, the field has text.
      if (selector === "#raw") await page.fill("#search", "no such text");
      if (selector !== "body") await page.focus(selector);
      await page.keyboard.press("Home");
      await viewer.until("the first line", ([row]) => row?.number === 1);
      await page.keyboard.press("PageDown");
      await viewer.until("the second page", ([row]) => (row?.number ?? 0) > 10);
      await page.keyboard.press("PageUp");
      await viewer.until("the first page", ([row]) => row?.number === 1);
      await page.keyboard.press("End");
      await viewer.until("the last line", (rows) => rows[rows.length - 1]?.number === LINES.length);
    }
    await viewer.close();
  });

  it("goes to a line, a part and a time", async () => {
    const viewer = await open("");
    const { page } = viewer;
    await viewer.until("numbers", shows(LINES.length));
    const goTo = async (wanted: string): Promise<void> => {
      const input = page.getByLabel("Line, @byte, percentage or time");
      // The dialog of the last jump closes once that is done.
      await input.waitFor({ state: "hidden" });
      await page.keyboard.press(":");
      await input.fill(wanted);
      await page.keyboard.press("Enter");
    };
    await goTo("777");
    await viewer.until("line 777", shows(777));
    // The address stays the same, but the reader has gone elsewhere.
    await page.keyboard.press("Home");
    await viewer.until("the first line", ([row]) => row?.number === 1);
    await goTo("777");
    await viewer.until("line 777 again", shows(777));
    await goTo("1200-1203");
    await viewer.until("line 1,200", shows(1_200));
    assert.deepEqual(await marked(viewer), [1_200, 1_201, 1_202, 1_203]);
    const timed = LINES.findIndex((line) => line.slice(11, 19) >= "10:30:00");
    await goTo("10:30");
    await viewer.until("half past ten", shows(timed + 1));
    assert.deepEqual(await marked(viewer), [timed + 1]);
    await goTo("50%");
    await viewer.until("the middle", ([row]) => Math.abs((row?.number ?? 0) - 10_000) < 200);
    await goTo("nonsense");
    await page.getByText("This log has no such line, byte, part or time.").waitFor();
    await viewer.close();
  });
});

describe("links to lines that can't be counted", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    start: () => startStandalone("node", { args: ["--limit", "lineIndexBytes=100000"] }),
    fill: ({ root }) => {
      writeFileSync(join(root, "large.log"), "a line\n".repeat(20_000));
      writeFileSync(join(root, "small.log"), "a line\n".repeat(14_000));
    },
  });

  it("say so, and not that there is no such line", async () => {
    const viewer = await setup.open("/large.log#L7000");
    const words = "Line 7000 can't be found by its number.";
    await viewer.page.getByRole("alert").filter({ hasText: words }).filter({ hasText: "lineIndexBytes" }).waitFor();
    await viewer.untilLast("a line");
    await viewer.close();
  });

  it("lead to their lines whatever parameters the address has", async () => {
    for (const from of ["mail", "1"]) {
      const viewer = await setup.open(`/small.log?from=${from}#L13900`);
      await viewer.until("line 13,900", (rows) =>
        rows.some(({ number, offset }) => number === 13_900 && offset === 13_899 * 7),
      );
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    }
  });
});

function minutes(at: number): string {
  const seconds = Math.floor((at * 3_600) / 20_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}.000Z`;
}

function offsetsOf(lines: readonly string[]): number[] {
  let offset = 0;
  return [...lines, ""].map((line) => {
    const begin = offset;
    offset += line.length + 1;
    return begin;
  });
}
