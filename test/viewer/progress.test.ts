/** Progress displays that go up and write over their lines, in the viewer page. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { PROGRESS } from "../fixture/progress.ts";
import { type ShownRow, Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

describe("progress displays in the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  for (const [name, { pieces, shown }] of Object.entries(PROGRESS)) {
    it(`show the last state of ${name}, live and afterwards`, async () => {
      const path = `${name.replaceAll(" ", "-")}.log`;
      const writer = (await openAppend(setup.url(`/${path}`))).getWriter();
      const viewer = await setup.open(`/${path}`);
      await viewer.untilState(/^Waiting/);
      for (const piece of pieces) await writer.write(piece);
      await writer.close();
      await viewer.until("the last state", (rows) => JSON.stringify(textsOf(rows)) === JSON.stringify(shown));
      const live = await viewer.rows();
      const content = Buffer.from(pieces.join(""));
      for (const { offset } of live)
        assert.ok(offset === 0 || content[offset - 1] === 10, `a line begins at ${offset}`);
      await viewer.page.reload();
      await viewer.until("the last state", (rows) => JSON.stringify(textsOf(rows)) === JSON.stringify(shown));
      await viewer.settle();
      assert.deepEqual(strip(await viewer.rows()), strip(live));
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    });
  }

  it("hide what was overwritten behind its first line, until a reader wants to see it", async () => {
    const frames = Array.from(
      { length: 400 },
      (_, at) => `${at === 0 ? "" : "\x1b[3A"}\x1b[Ka ${at}\n\x1b[Kb ${at}\n\x1b[Kc ${at}\n`,
    );
    const lines = Array.from({ length: 2_000 }, (_, at) => `line ${at}\n`).join("");
    const content = `${lines}${frames.join("")}after\n${lines}`;
    writeFileSync(join(setup.root, "frames.log"), content);
    const open = async (hash: string): Promise<Viewer> => {
      const viewer = await setup.open(`/frames.log${hash}`);
      await viewer.until("numbers", (rows) => rows.length > 0 && rows.every(({ number }) => number !== undefined));
      return viewer;
    };
    const wanted = ["line 1999", "a 0", "a 399", "b 399", "c 399", "after", "line 0"];
    const middle = (rows: readonly ShownRow[]): ShownRow[] => {
      const at = rows.findIndex(({ offset }) => offset === lines.length);
      return at === -1 ? [] : rows.slice(at - 1, at - 1 + wanted.length);
    };
    const viewer = await open("#L2000");
    const found = middle(await viewer.until("the display", (rows) => middle(rows).length === wanted.length));
    assert.deepEqual(
      found.map(({ text }) => text),
      wanted,
    );
    assert.deepEqual(
      found.map(({ number }) => number),
      [2_000, 2_001, 3_198, 3_199, 3_200, 3_201, 3_202],
    );
    // From above, from below, and by a jump.
    for (const moves of [
      ["Home", ...new Array<string>(90).fill("PageDown")],
      ["End", ...new Array<string>(90).fill("PageUp")],
    ]) {
      for (const key of moves) {
        await viewer.page.keyboard.press(key);
        await viewer.settle();
        const rows = middle(await viewer.rows());
        if (rows.length < wanted.length) continue;
        assert.deepEqual(rows, found);
        break;
      }
    }
    await viewer.goToHash("L3199");
    await viewer.until("the display", (rows) => middle(rows).length === wanted.length);
    await viewer.page.getByRole("button", { name: "Show 1196 more lines that were overwritten" }).click();
    await viewer.until("all lines", (rows) => rows.some(({ text }) => text === "b 0"));
    await viewer.close();
    const linked = await open("#L2002");
    await linked.until("an overwritten line", (rows) =>
      rows.some(({ text, number }) => text === "b 0" && number === 2_002),
    );
    assert.equal(await linked.page.locator(".marked").textContent(), "b 0");
    assert.deepEqual(linked.problems, []);
    await linked.close();
  });

  it("leave the reader where he is while they go on below", async () => {
    const lines = Array.from({ length: 300 }, (_, at) => `line ${at}\n`).join("");
    const url = setup.url("/below.log");
    const writer = (await openAppend(url)).getWriter();
    await writer.write(lines);
    const viewer = await Viewer.open(setup.browser, url);
    await viewer.untilLast("line 299");
    await viewer.page.keyboard.press("PageUp");
    await viewer.settle();
    const visible = await viewer.visible();
    await viewer.page.evaluate(watchNumbers);
    await writer.write("x 0\ny 0\n");
    for (let at = 1; at < 50; at++) await writer.write(`\x1b[2A\x1b[Kx ${at}\n\x1b[Ky ${at}\n`);
    await viewer.page.getByRole("button", { name: /new lines/ }).waitFor();
    assert.deepEqual(await viewer.visible(), visible);
    await writer.close();
    await viewer.untilState(/^Complete$/);
    assert.deepEqual(await viewer.visible(), visible);
    await viewer.page.keyboard.press("End");
    const rows = await viewer.untilLast("y 49");
    assert.deepEqual(
      rows.slice(-4).map(({ text }) => text),
      ["line 299", "x 0", "x 49", "y 49"],
    );
    assert.deepEqual(await viewer.page.evaluate(numbersMissed), [], "each row has its number from the beginning");
    await viewer.close();
  });
});

/** Runs in the page: notes the rows that come without a number. */
function watchNumbers(): void {
  const missed: string[] = [];
  (globalThis as { __missed?: string[] }).__missed = missed;
  const observer = new MutationObserver((records) => {
    for (const row of records.flatMap(({ addedNodes }) => [...addedNodes])) {
      if ((row as HTMLElement).dataset["n"] === undefined) missed.push(row.textContent ?? "");
    }
  });
  observer.observe(document.querySelector("#rows") as Element, { childList: true });
}

/** Runs in the page: the rows that {@link watchNumbers} has noted. */
function numbersMissed(): readonly string[] | undefined {
  return (globalThis as { __missed?: string[] }).__missed;
}

/** The texts of the rows that were not overwritten. */
function textsOf(rows: readonly ShownRow[]): string[] {
  return rows.filter(({ isOverwritten }) => isOverwritten !== true).map(({ text }) => text);
}

function strip(rows: readonly ShownRow[]): unknown[] {
  return rows.map(({ offset, text }) => [offset, text]);
}
