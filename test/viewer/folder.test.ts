/** The viewer page of a folder. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { faultsOf } from "./faults.ts";

import { NAVIGATION } from "./requests.ts";
import { ChromiumSetup } from "./setup.ts";

const HOSTILE = "<img src=x onerror=alert(1)>.log";

function fill(root: string): void {
  mkdirSync(join(root, "logs", "sub folder"), { recursive: true });
  for (let number = 1; number <= 12; number++) {
    writeFileSync(join(root, "logs", `build ${number}.log`), "x".repeat(number * 1_000));
  }
  writeFileSync(join(root, "logs", HOSTILE), "");
}

for (const runtime of RUNTIMES) {
  describe(`the page of a folder, on ${runtime}`, () => {
    let server: TestServer;
    before(async () => {
      server = await startStandalone(runtime);
      fill(server.root);
    });
    after(() => server.stop());

    it("has the entries without a script, under the strict policy, with or without a slash", async () => {
      for (const target of ["/logs", "/logs/"]) {
        const page = await request(server.url, { target, headers: { ...NAVIGATION } });
        assert.equal(page.status, 200);
        assert.match(page.headers.get("content-security-policy") ?? "", /trusted-types/);
        assert.doesNotMatch(page.headers.get("content-security-policy") ?? "", /unsafe/);
        assert.equal(page.headers.get("vary"), "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests");
        assert.match(page.text, /<a href="\/logs\/build%201\.log">build 1\.log<\/a>/);
        assert.match(page.text, /<a href="\/logs\/sub%20folder\/">sub folder\/<\/a>/);
        assert.match(page.text, /<h1 id="name">logs<\/h1>/);
        assert.doesNotMatch(page.text, /<img|%[A-Z-]+%/);
        const [, style = ""] = /<link rel="stylesheet" href="([^"]+)"/.exec(page.text) ?? [];
        const { pathname } = new URL(style, `${server.url}${target}`);
        assert.equal((await request(server.url, { target: pathname })).status, 200);
      }
    });

    it("has a link to the next entries without a script", async () => {
      const page = await request(server.url, { target: "/logs/?limit=3", headers: { ...NAVIGATION } });
      assert.match(page.text, /<a rel="next" href="\/logs\/\?limit=3&amp;after=[^"]+">The next 3<\/a>/);
    });

    it("leads to the folders above without a script, and names none in a way that looks like another one", async () => {
      const name = "a\u202egol";
      mkdirSync(join(server.root, "signs", name, "deep"), { recursive: true });
      const target = `/signs/${encodeURIComponent(name)}/deep/`;
      const page = await request(server.url, { target, headers: { ...NAVIGATION } });
      const [, path = ""] = /<nav id="path"[^>]*>(.*?)<\/nav>/s.exec(page.text) ?? [];
      assert.deepEqual(
        [...path.matchAll(/<a href="([^"]*)">/g)].map(([, href]) => href),
        ["/", "/signs/", `/signs/${encodeURIComponent(name)}/`],
      );
      for (const headers of [NAVIGATION, { Accept: "text/html" }]) {
        const { text } = await request(server.url, { target: "/signs/", headers: { ...headers } });
        assert.match(text, /a<span class="sign" data-sign="U\+202E">\u202e<\/span>gol\//);
      }
    });

    it("is what it was for everything but browsers", async () => {
      const page = await request(server.url, { target: "/logs/", headers: { Accept: "text/html" } });
      assert.doesNotMatch(page.text, /<script/);
      const json = await request(server.url, { target: "/logs/", headers: { Accept: "application/json" } });
      assert.equal((JSON.parse(json.text) as { entries: unknown[] }).entries.length, 14);
    });
  });
}

describe("the page of a folder, in Chromium", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({ fill: ({ root }) => fill(root) });

  it("sorts, filters and names the entries", async () => {
    const viewer = await setup.open("/logs/");
    const { page } = viewer;
    await viewer.untilState(/^14 entries$/);
    await page.getByRole("button", { name: "Size" }).click();
    assert.deepEqual((await namesOf(page)).slice(0, 3), ["sub folder/", "build 12.log", "build 11.log"]);
    await page.getByRole("button", { name: "Name" }).click();
    assert.deepEqual((await namesOf(page)).slice(0, 4), ["sub folder/", HOSTILE, "build 1.log", "build 2.log"]);
    assert.equal(await page.locator("th[aria-sort=ascending]").textContent(), "Name");
    await page.getByLabel("Filter the entries by name").fill("LOG");
    await viewer.untilState(/^13 of 14 entries$/);
    await page.getByLabel("Filter the entries by name").fill("build 3");
    await viewer.untilState(/^1 of 14 entries$/);
    assert.deepEqual(await namesOf(page), ["build 3.log"]);
    await page.getByRole("link", { name: "build 3.log" }).click();
    await viewer.until("the log", (rows) => rows.length === 1);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("has no fault that axe finds, in both themes and on a phone", async () => {
    for (const options of [
      { colorScheme: "light" },
      { colorScheme: "dark" },
      { viewport: { width: 360, height: 640 }, hasTouch: true },
    ] as const) {
      const viewer = await setup.open("/logs/", options);
      await viewer.untilState(/^14 entries$/);
      assert.deepEqual(await faultsOf(viewer), []);
      const changed = await viewer.page.locator("#entries td:last-child time").first();
      assert.equal(await changed.isVisible(), true);
      assert.ok(
        (await viewer.page.evaluate(() => document.documentElement.scrollWidth)) <= (options.viewport?.width ?? 1_000),
      );
      await viewer.close();
    }
  });

  it("shows ten thousand entries, as many as are scrolled to", async () => {
    mkdirSync(join(setup.root, "many"));
    for (let number = 0; number < 10_000; number++) writeFileSync(join(setup.root, "many", `${number}.log`), "");
    const viewer = await setup.open("/many/");
    const { page } = viewer;
    await viewer.untilState(/^10,000 entries$/);
    assert.ok((await namesOf(page)).length < 1_000);
    await page.getByLabel("Filter the entries by name").fill("9999");
    await viewer.untilState(/^1 of 10,000 entries$/);
    await viewer.close();
  });

  it("shows what is appended to, grows, appears and disappears", async () => {
    const viewer = await setup.open("/logs/");
    const { page } = viewer;
    await viewer.untilState(/^14 entries$/);
    const writer = (await openAppend(setup.url("/logs/now.log"))).getWriter();
    await writer.write("x".repeat(5_000));
    await viewer.untilState(/^15 entries, 1 live$/);
    await until(
      "the size",
      async () => (await page.getByRole("row", { name: /now\.log ● live 5\.0 KB/ }).count()) === 1,
    );
    await writer.close();
    await viewer.untilState(/^15 entries$/);
    rmSync(join(setup.root, "logs", "now.log"));
    await viewer.untilState(/^14 entries$/);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});

describe("the page of a folder with more entries than it lists, in Chromium", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    start: () => startStandalone("node", { args: ["--limit", "liveListingRows=5"] }),
    fill: ({ root }) => {
      for (let number = 1; number <= 9; number++) writeFileSync(join(root, `${number}.log`), "x");
    },
  });

  it("says so, also to a filter, and leads to the others", async () => {
    const viewer = await setup.open("/");
    const { page } = viewer;
    await viewer.untilState(/^The first 5 entries; there are more$/);
    await page.getByLabel("Filter the entries by name").fill("9");
    await viewer.untilState(/^0 of the first 5 entries; there are more$/);
    await page.getByRole("link", { name: "The next entries" }).click();
    await viewer.untilState(/^The next 4 entries$/);
    assert.deepEqual((await namesOf(page)).sort(), ["6.log", "7.log", "8.log", "9.log"]);
    assert.equal(await page.getByRole("link", { name: "The next entries" }).count(), 0);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });
});

async function namesOf(page: Page): Promise<(string | null)[]> {
  return await page.locator("#entries tbody a").allTextContents();
}
