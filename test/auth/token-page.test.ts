/** The page for a browser without a token, where the viewer is off: what it sends, on all runtimes, and what it does, in a real browser. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { chromiumPage } from "../docs/chromium.ts";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { type Signer, sign, signer } from "./tokens.ts";

/** What browsers send to a server with TLS or on this machine, and to all others. */
const NAVIGATIONS = [
  { Accept: "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate" },
  { Accept: "text/html,*/*;q=0.8", "Upgrade-Insecure-Requests": "1" },
];

const CONTENTS = { "public.txt": "<b>not bold</b> ü\n", "folder/a b#.log": "deep", "other.bin": "\0\x01" };

let folder: string;
let key: Signer;
let token: string;

before(async () => {
  folder = await temporaryFolder("page");
  key = await signer("HS256");
  await writeFile(join(folder, "key.json"), JSON.stringify(key.jwk), { mode: 0o600 });
  token = await sign(key, { httpfstream: { read: ["/**"], list: ["/**"], append: ["/**"] } });
});
after(() => removeFolder(folder));

async function start(runtime: (typeof RUNTIMES)[number]): Promise<TestServer> {
  const server = await startStandalone(runtime, { args: ["--key", join(folder, "key.json"), "--no-viewer"] });
  for (const [path, body] of Object.entries(CONTENTS)) {
    const target = `/${encodeURI(path).replace("#", "%23")}?verb=APPEND`;
    const put = { method: "PUT", target, body, headers: { Authorization: `Bearer ${token}` } };
    assert.equal((await request(server.url, put)).status, 200);
  }
  return server;
}

for (const runtime of RUNTIMES) {
  describe(`the page that asks for a token, on ${runtime}`, () => {
    let server: TestServer;
    before(async () => {
      server = await start(runtime);
    });
    after(() => server.stop());

    it("answers navigations, with the same bytes for every path", async () => {
      const pages = new Set<string>();
      for (const headers of NAVIGATIONS) {
        for (const target of ["/", "/public.txt", "/missing", "/folder", "/folder/", "/?access_token=bad"]) {
          const page = await request(server.url, { target, headers });
          assert.equal(page.status, 401);
          assert.match(page.headers.get("www-authenticate") ?? "", /^Bearer realm="httpfstream"/);
          assert.equal(page.headers.get("stream-error"), "unauthorized");
          assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
          assert.equal(page.headers.get("cache-control"), "no-store");
          assert.equal(page.headers.get("referrer-policy"), "no-referrer");
          assert.equal(page.headers.get("vary"), "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests");
          pages.add(page.text);
        }
      }
      assert.equal(pages.size, 1);
    });

    it("allows nothing but its own script and style", async () => {
      const page = await request(server.url, { target: "/", headers: NAVIGATIONS[0] as Record<string, string> });
      const policy = page.headers.get("content-security-policy") ?? "";
      for (const name of ["script", "style"]) {
        const [, source = ""] = new RegExp(`<${name}[^>]*>([^]*)</${name}>`).exec(page.text) ?? [];
        const hash = createHash("sha256").update(source).digest("base64");
        assert.ok(policy.includes(`${name}-src 'sha256-${hash}'`), policy);
      }
      assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe/);
    });

    it("answers no other request", async () => {
      const html = { Accept: "text/html" };
      const document = { ...html, "Sec-Fetch-Dest": "document" };
      const requests: [string, Record<string, string>][] = [
        ["/", html],
        ["/", {}],
        ["/", { ...html, "Sec-Fetch-Dest": "empty", "Upgrade-Insecure-Requests": "1" }],
        ["/public.txt", { ...document, Range: "bytes=0-1" }],
        ["/public.txt", { ...document, "X-Verb": "FOLLOW" }],
        ["/public.txt?verb=FOLLOW", document],
        ["/public.txt?raw", document],
      ];
      for (const [target, headers] of requests) {
        const answer = await request(server.url, { target, headers });
        assert.equal(answer.status, 401);
        assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
      }
      const reader = await sign(key, { httpfstream: { read: ["/folder/**"] } });
      const forbidden = { ...document, Authorization: `Bearer ${reader}` };
      const answer = await request(server.url, { target: "/public.txt", headers: forbidden });
      assert.deepEqual([answer.status, answer.headers.get("content-type")], [403, "text/plain; charset=utf-8"]);
    });

    it("replaces a listing whose address has the token, and no file", async () => {
      const [headers = {}] = NAVIGATIONS;
      const listing = await request(server.url, { target: `/?access_token=${token}`, headers });
      assert.equal(listing.status, 200);
      assert.equal(listing.text.includes("public.txt"), false);
      assert.equal(listing.text.includes(token), false);
      const file = await request(server.url, { target: `/public.txt?access_token=${token}`, headers });
      assert.deepEqual([file.status, file.text], [200, CONTENTS["public.txt"]]);
      for (const { headers: sent } of [listing, file]) assert.equal(sent.get("referrer-policy"), "no-referrer");
    });
  });
}

const browser = await chromiumPage();

describe("the page that asks for a token, in Chromium", { skip: browser.skip }, () => {
  let server: TestServer;
  let page: Page;
  const problems: string[] = [];
  before(async () => {
    server = await start("node");
    page = await browser.open();
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("401")) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
  });
  after(async () => {
    await page.close();
    await server.stop();
  });

  it("asks for a token, and takes a good one only", async () => {
    await page.goto(`${server.url}/public.txt`);
    await page.fill("input", "nonsense");
    await page.click("button");
    await page.getByText("The token is malformed.").waitFor();
    await page.fill("input", token);
    await page.click("button");
    await page.waitForSelector("pre");
    assert.equal(await page.textContent("pre"), CONTENTS["public.txt"]);
    assert.equal(await page.locator("pre b").count(), 0);
  });

  it("keeps it for the tab: reloading and links work", async () => {
    await page.reload();
    await page.waitForSelector("pre");
    await page.goto(`${server.url}/`);
    await page.click("text=folder/");
    await page.click("text=a b#.log");
    await page.waitForSelector("pre");
    assert.equal(await page.textContent("pre"), "deep");
    assert.equal(page.url(), `${server.url}/folder/a%20b%23.log`);
  });

  it("offers everything but text as a download", async () => {
    await page.goto(`${server.url}/other.bin`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download")]);
    assert.equal(download.suggestedFilename(), "other.bin");
  });

  it("takes the token out of the address bar", async () => {
    await page.evaluate(() => sessionStorage.clear());
    await page.goto(`${server.url}/?access_token=${token}`);
    await page.waitForSelector("table");
    assert.equal(page.url(), `${server.url}/`);
    assert.equal((await page.content()).includes(token), false);
    const links = await page.$$eval("a", (all) => all.map((one) => one.getAttribute("href")));
    assert.deepEqual(links, ["/folder/", "/other.bin", "/public.txt"]);
  });

  it("says what a token does not allow, and takes another one", async () => {
    const reader = await sign(key, { httpfstream: { read: ["/folder/**"] } });
    await page.evaluate((value) => sessionStorage.setItem("httpfstream.token", value), reader);
    await page.goto(`${server.url}/public.txt`);
    await page.getByText("The token allows neither reading nor listing").waitFor();
    await page.click("text=Use another token");
    await page.fill("input", token);
    await page.click("button");
    await page.waitForSelector("pre");
  });

  it("breaks no policy and throws nothing", () => {
    assert.deepEqual(
      problems.filter((text) => !text.includes("403")),
      [],
    );
  });
});
