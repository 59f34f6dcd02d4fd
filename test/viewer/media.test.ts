/** Images, audio and video in the viewer page. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { PNG, WAV } from "./media.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

describe("media in the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  it("are shown: audio, with controls and a name", async () => {
    writeFileSync(join(setup.root, "silence.wav"), WAV);
    const viewer = await setup.open("/silence.wav?view");
    const { page } = viewer;
    await page.waitForFunction(() => document.querySelector("audio")?.duration === 1);
    assert.equal(await page.locator("audio").getAttribute("aria-label"), "/silence.wav");
    assert.equal(await page.getByRole("alert").isVisible(), false);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("that the browser can't show say so", async () => {
    for (const [name, kind] of [
      ["broken.png", "image"],
      ["broken.mp3", "audio"],
      ["broken.webm", "video"],
    ] as const) {
      writeFileSync(join(setup.root, name), "this is none");
      const viewer = await setup.open(`/${name}?view`);
      await viewer.page
        .getByRole("alert")
        .filter({ hasText: `can't show this ${kind}` })
        .waitFor();
      await viewer.close();
    }
  });

  it("are shown once they are complete: an image that grows", async () => {
    const url = setup.url("/growing.png");
    const writer = (await openAppend(url)).getWriter();
    await writer.write(PNG.subarray(0, 20));
    const viewer = await Viewer.open(setup.browser, `${url}?view`);
    const { page } = viewer;
    await page.getByRole("alert").filter({ hasText: "can't show this image" }).waitFor();
    await writer.write(PNG.subarray(20));
    await writer.close();
    await page.waitForFunction(() => document.querySelector("img")?.naturalWidth === 1);
    await page.getByRole("alert").waitFor({ state: "hidden" });
    await viewer.close();
  });
});
