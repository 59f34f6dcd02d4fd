/** The viewer page in the history and the cache of a browser: Back, Forward, reloads, downloads. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { startMounted } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { BROWSERS, type BrowserKind, type TestBrowser } from "./browsers.ts";
import { LogPage } from "./page.ts";
import { type SeenRequest, seenBy, startLogged } from "./seen.ts";
import { BrowserSetup } from "./setup.ts";

for (const kind of BROWSERS) {
  describe(`the history and the cache of ${kind.name}`, { skip: kind.skip }, () => cases(kind.name, kind.start));
}

function cases(name: BrowserKind["name"], start: (options: { downloads: string }) => Promise<TestBrowser>): void {
  let downloads: string;
  const startBrowser = async (): Promise<TestBrowser> => {
    downloads = await temporaryFolder("downloads");
    return await start({ downloads });
  };
  const setup = new BrowserSetup(startBrowser, {
    start: startLogged,
    fill({ root }) {
      for (const log of ["a", "b", "c"]) {
        writeFileSync(join(root, `${log}.log`), `first of ${log}\nlast of ${log}\n`);
      }
    },
  });
  after(() => removeFolder(downloads));

  it("show the page again with Back and Forward, and it follows on", async () => {
    const viewer = await setup.open("/a.log");
    const { tab } = viewer;
    await viewer.untilLast("last of a");
    // The browser's cache has the bytes for the same address.
    assert.equal(await tab.evaluate(bytesHere, "default"), "first of a\nlast of a\n");
    await tab.open(setup.url("/b.log"));
    await viewer.untilLast("last of b");
    await tab.open(setup.url("/a.log?raw"));
    assert.equal(await viewer.textOf("pre"), "first of a\nlast of a");
    await tab.back();
    await viewer.untilLast("last of b");
    appendFileSync(join(setup.root, "b.log"), "more of b\n");
    await viewer.untilLast("more of b");
    await tab.back();
    await viewer.untilLast("last of a");
    await viewer.untilState(/^Not being written$/);
    const writer = (await openAppend(setup.url("/a.log"))).getWriter();
    await writer.write("more of a\n");
    await viewer.untilLast("more of a");
    await viewer.untilState(/^Live$/);
    await tab.forward();
    await viewer.untilLast("more of b");
    await writer.write("meanwhile\n");
    await tab.back();
    await viewer.untilLast("meanwhile");
    await writer.close();
    await viewer.untilState(/^Complete$/);
    // A browser asks for an icon for the raw bytes, and may not have it from their sandbox.
    assert.deepEqual(
      viewer.problems.filter((text) => !/NotSameOrigin|favicon/.test(text)),
      [],
    );
    await viewer.close();
  });

  it("show the page of a folder again, after a log of it", async () => {
    mkdirSync(join(setup.root, "logs"));
    writeFileSync(join(setup.root, "logs", "one.log"), "one\n");
    const viewer = await setup.open("/logs/");
    const { tab } = viewer;
    await viewer.untilState(/^One entry$/);
    await tab.open(setup.url("/logs/one.log"));
    await viewer.untilLast("one");
    writeFileSync(join(setup.root, "logs", "two.log"), "two\n");
    await tab.back();
    await viewer.untilState(/^2 entries$/);
    writeFileSync(join(setup.root, "logs", "three.log"), "three\n");
    await viewer.untilState(/^3 entries$/);
    await tab.forward();
    await viewer.untilLast("one");
    await viewer.close();
  });

  it("have the page and the bytes of one address apart, and ask for each with its own tag", async () => {
    const viewer = await setup.open("/c.log");
    const { tab } = viewer;
    await viewer.untilLast("last of c");
    const isGet = ({ method, target, status, isFollow }: SeenRequest): boolean =>
      !isFollow && method === "GET" && target === "/c.log" && [200, 304].includes(status);
    let known = 0;
    /** Waits for this many further answers, and returns their statuses. */
    const answers = async (count: number): Promise<number[]> => {
      const all = await until(`${count} more answers`, () => {
        const seen = seenBy(setup.server).filter(isGet);
        return seen.length >= known + count && seen;
      });
      const statuses = all.slice(known).map(({ status }) => status);
      known = all.length;
      return statuses;
    };
    assert.deepEqual(await answers(1), [200]);
    for (let turn = 0; turn < 2; turn++) {
      await tab.reload();
      await viewer.untilLast("last of c");
      assert.deepEqual(await answers(1), [304]);
    }
    const text = "first of c\nlast of c\n";
    assert.equal(await tab.evaluate(bytesHere, "default"), text);
    assert.deepEqual(await answers(1), [200]);
    for (const cache of ["default", "no-cache"] as const) {
      assert.equal(await tab.evaluate(bytesHere, cache), text);
      assert.deepEqual(await answers(1), [304]);
    }
    await tab.reload();
    await viewer.untilLast("last of c");
    await answers(1);
    await tab.reload();
    await viewer.untilLast("last of c");
    assert.deepEqual(await answers(1), [304]);
    await tab.reloadAll();
    await viewer.untilLast("last of c");
    assert.deepEqual(await answers(1), [200]);
    assert.equal(await tab.evaluate(bytesHere, "reload"), text);
    assert.deepEqual(await answers(1), [200]);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("download the bytes, by links and with Ctrl+S", async () => {
    const content = Buffer.concat([Buffer.from("süß\r\n"), Buffer.from([0, 255, 10])]);
    writeFileSync(join(setup.root, "some log.txt"), content);
    const viewer = await setup.open("/some%20log.txt");
    await viewer.until("rows", (rows) => rows.length === 2);
    const arrives = (file: string): Promise<true | undefined> =>
      until(`${file} to arrive`, () => {
        try {
          return readFileSync(join(downloads, file)).equals(content) || undefined;
        } catch {
          return undefined;
        }
      });
    await viewer.tab.press("Control+s");
    await arrives("some log.txt");
    await viewer.tab.evaluate(download, { query: "?raw", name: "raw.txt" });
    await arrives("raw.txt");
    // Firefox sends this as a navigation, with all of its headers, so that it saves the page.
    if (name === "Chromium") {
      await viewer.tab.evaluate(download, { query: "", name: "without a query.txt" });
      await arrives("without a query.txt");
    }
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("work below a path with spaces", async () => {
    const mounted = await startMounted("node");
    const folder = join(mounted.root, "spaced", "my logs");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "the build.log"), "begun\n");
    const base = `${mounted.url}${encodeURI(MOUNTS.spaced)}`;
    const viewer = await LogPage.in(setup.browser, `${base}/my%20logs`);
    const { tab } = viewer;
    await viewer.untilState(/^One entry$/);
    // The address of the folder has no slash at its end.
    mkdirSync(join(folder, "more"));
    await viewer.untilState(/^2 entries$/);
    await tab.evaluate(clickOn, "#entries tbody a[href$='.log']");
    await viewer.untilLast("begun");
    assert.equal(await viewer.textOf("h1"), "the build.log");
    const writer = (await openAppend(`${base}/my%20logs/the%20build.log`)).getWriter();
    await writer.write("more\n");
    await viewer.untilLast("more");
    await viewer.untilState(/^Live$/);
    await tab.reload();
    await viewer.untilLast("more");
    await writer.close();
    await viewer.untilState(/^Complete$/);
    await tab.evaluate(clickOn, "#path a:last-child");
    await viewer.untilState(/^2 entries/);
    await tab.back();
    await viewer.untilLast("more");
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
    await mounted.stop();
  });
}

/** Runs in the page. */
async function bytesHere(cache: RequestCache): Promise<string> {
  return await (await fetch(location.pathname, { cache })).text();
}

/** Runs in the page. */
function download({ query, name }: { query: string; name: string }): void {
  Object.assign(document.createElement("a"), { href: location.pathname + query, download: name }).click();
}

/** Runs in the page. */
function clickOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.click();
}
