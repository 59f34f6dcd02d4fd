/** The scrollbar of the viewer page belongs to the reader. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NO_CHROMIUM } from "../fixture/browser.ts";

import { ChromiumSetup } from "./setup.ts";

const LINES = 200_000;

describe("the scrollbar of the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  it("goes where it is moved, even if the page is about to put it elsewhere", async () => {
    const lines = Array.from({ length: LINES }, (_, at) => `line ${String(at).padStart(6, "0")}`);
    writeFileSync(join(setup.root, "long.log"), `${lines.join("\n")}\n`);
    const viewer = await setup.open("/long.log#@0");
    await viewer.until("the start", ([first]) => first?.text === "line 000000");
    await viewer.settle();
    for (const part of [0.5, 0.25, 0.75]) {
      await viewer.page.evaluate(moveBeforeLayout, part);
      await viewer.until(`${part} of it`, ([first]) => {
        return Math.abs(Number(first?.text.slice(5)) / LINES - part) < 0.02;
      });
      await viewer.settle();
    }
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});

/** Runs in the page: moves the scrollbar, and changes the layout before the event of the move. */
function moveBeforeLayout(part: number): void {
  const view = document.querySelector("#view");
  if (view) view.scrollTop = part * (view.scrollHeight - view.clientHeight);
  document.querySelector<HTMLElement>("#wrap")?.click();
}
