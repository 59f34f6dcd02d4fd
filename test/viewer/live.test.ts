/** The viewer page while its path grows, ends, disappears and comes back. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { ShiftyProxy } from "../client-reconnect/proxy.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { startStandalone } from "../fixture/servers.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

describe("the viewer page of a path that grows", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  it("follows to the last line, and says what the state is", async () => {
    const url = setup.url("/build.log");
    const stream = await openAppend(url);
    const writer = stream.getWriter();
    await writer.write("first\n");
    const viewer = await Viewer.open(setup.browser, url);
    await viewer.untilLast("first");
    await viewer.untilState(/^Live$/);
    assert.equal(await viewer.page.title(), "● build.log");
    for (let line = 0; line < 2_000; line++) await writer.write(`line ${line}\n`);
    await viewer.untilLast("line 1999");
    // Numbers come when the lines are counted.
    await viewer.until("its number", (rows) => rows.at(-1)?.number === 2_001);
    await writer.close();
    await viewer.untilState(/^Complete$/);
    assert.equal(await viewer.page.title(), "✓ build.log");
    await append(url, "one more\n");
    await viewer.untilLast("one more");
    await viewer.untilState(/^Complete$/);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("tells screen readers of new lines now and then, and of all of them", async () => {
    const url = setup.url("/spoken.log");
    const writer = (await openAppend(url)).getWriter();
    await writer.write("stored\n");
    const viewer = await Viewer.open(setup.browser, url);
    const { page } = viewer;
    await viewer.untilLast("stored");
    await viewer.untilState(/^Live$/);
    const summary = page.locator("[aria-live=polite]");
    assert.equal(await summary.textContent(), "");
    await writer.write("one\n");
    await page.getByText("1 new line. Last: one", { exact: true }).waitFor({ state: "attached" });
    for (const line of ["two", "three", "four"]) {
      await writer.write(`${line}\n`);
      await viewer.untilLast(line);
    }
    assert.equal(await summary.textContent(), "1 new line. Last: one");
    await page.getByText("3 new lines. Last: four", { exact: true }).waitFor({ state: "attached" });
    await writer.close();
    await viewer.close();
  });

  it("shows the parts of a line as they come", async () => {
    const url = setup.url("/answer.md.txt");
    const writer = (await openAppend(url)).getWriter();
    const viewer = await Viewer.open(setup.browser, url);
    let text = "";
    for (const word of ["An", " answer", " that", " grows"]) {
      await writer.write(word);
      text += word;
      await viewer.untilLast(text);
    }
    await writer.write("\nnext");
    const rows = await viewer.untilLast("next");
    assert.deepEqual(
      rows.map((row) => row.text),
      [text, "next"],
    );
    await writer.close();
    await viewer.close();
  });

  it("waits for a path that does not exist yet, and begins by itself", async () => {
    const url = setup.url("/later/to come.log");
    const viewer = await Viewer.open(setup.browser, url);
    await viewer.untilState(/^Waiting for the first byte$/);
    assert.equal(await viewer.page.title(), "○ to come.log");
    await append(url, "here it is\nand more\n");
    await viewer.untilLast("and more");
    await viewer.until("numbers", (rows) => rows.map(({ number }) => number).join() === "1,2");
    await viewer.untilState(/^Complete$/);
    // The browser itself reports the 404 of the navigation.
    assert.deepEqual(
      viewer.problems.filter((text) => !text.includes("404")),
      [],
    );
    await viewer.close();
  });

  it("says how an append ended", async () => {
    const url = setup.url("/lost.log");
    const grace = await startStandalone("node", {
      root: join(setup.root, "grace"),
      args: ["--limit", "graceMs=100"],
    });
    const place = url.replace(setup.server.url, grace.url);
    const viewer = await Viewer.open(setup.browser, place);
    const stop = new AbortController();
    const writer = (await openAppend(place, { signal: stop.signal })).getWriter();
    writer.closed.catch(() => {});
    await writer.write("half\n");
    await viewer.untilLast("half");
    stop.abort();
    await viewer.untilState(/^Lost/);
    assert.equal(await viewer.page.title(), "✗ lost.log");
    await viewer.close();
    await grace.stop();
  });

  it("says that a path was deleted, and that it was replaced", async () => {
    for (const name of ["gone.log", "other.log"]) {
      await append(setup.url(`/${name}`), "old\n");
      const viewer = await setup.open(`/${name}`);
      await viewer.untilLast("old");
      await viewer.untilState(/^Complete$/);
      if (name === "gone.log") {
        rmSync(join(setup.root, name));
        await viewer.untilState(/^Deleted/);
      } else {
        rmSync(join(setup.root, name));
        writeFileSync(join(setup.root, name), "new content that is longer\n");
        await viewer.untilState(/^Replaced|^Deleted/);
        await viewer.page.getByRole("alert").getByRole("button").click();
        await viewer.untilLast("new content that is longer");
      }
      await viewer.close();
    }
  });

  it("survives a server that is killed and comes back", async () => {
    const own = join(setup.root, "restarted");
    mkdirSync(own);
    writeFileSync(join(own, "a.log"), lines(0, 5_000));
    let target = await startStandalone("node", { root: own });
    const proxy = await ShiftyProxy.start(target.url);
    const viewer = await Viewer.open(setup.browser, `${proxy.url}/a.log`);
    await viewer.untilState(/^Not being written$/);
    await target.kill9();
    await viewer.untilState(/^Reconnecting$/);
    appendFileSync(join(own, "a.log"), "after the crash\n");
    target = await startStandalone("node", { root: own });
    proxy.target = target.url;
    await viewer.untilLast("after the crash");
    await viewer.page.keyboard.press("Home");
    await viewer.until("the first line", ([row]) => row?.number === 1);
    await viewer.close();
    await proxy.close();
    await target.stop();
  });

  it("goes on when the browser is online again", async () => {
    const url = setup.url("/offline.log");
    const writer = (await openAppend(url)).getWriter();
    await writer.write("before\n");
    const viewer = await Viewer.open(setup.browser, url);
    await viewer.untilLast("before");
    await viewer.page.context().setOffline(true);
    await viewer.untilState(/^Offline$/);
    await writer.write("meanwhile\n");
    await viewer.page.context().setOffline(false);
    await viewer.untilLast("meanwhile");
    await writer.close();
    await viewer.close();
  });

  it("asks for nothing while nothing happens", async () => {
    writeFileSync(join(setup.root, "still.log"), "still\n");
    const viewer = await setup.open("/still.log");
    await viewer.untilState(/^Not being written$/);
    await viewer.settle();
    const asked: string[] = [];
    viewer.page.on("request", (request) => asked.push(request.url()));
    // Something else happens on the same server: time passes.
    const other = await setup.open("/other-path.log");
    await append(setup.url("/other-path.log"), "done\n");
    await other.untilLast("done");
    assert.deepEqual([asked, viewer.problems], [[], []]);
    await other.close();
    await viewer.close();
  });
});

function lines(from: number, count: number): string {
  const words = "and some words that are long enough to be wrapped on a narrow screen";
  return Array.from({ length: count }, (_, at) => `line ${from + at} ${words}\n`).join("");
}
