/** The scrollbar of the viewer page belongs to the reader. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { SKIP, startChromium, Viewer } from "./page.ts";

const LINES = 200_000;

describe("the scrollbar of the viewer page", { skip: SKIP }, () => {
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

  it("goes where it is moved, even if the page is about to put it elsewhere", async () => {
    const lines = Array.from({ length: LINES }, (_, at) => `line ${String(at).padStart(6, "0")}`);
    writeFileSync(join(server.root, "long.log"), `${lines.join("\n")}\n`);
    const viewer = await Viewer.open(browser, `${server.url}/long.log#@0`);
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
