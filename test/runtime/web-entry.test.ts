/** The entry for web-standard runtimes, in a browser: nothing there but web standards can serve it. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import type * as Web from "../../src/web.ts";
import { chromiumPage } from "../docs/chromium.ts";
import { executable, PROJECT, run } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

declare global {
  // Set by the bundle below.
  var web: typeof Web;
}

const browser = await chromiumPage();

describe("httpfstream/web in a browser", { skip: browser.skip }, () => {
  let folder: string;
  let page: Page;
  let bundle: string;

  before(async () => {
    folder = await temporaryFolder("web");
    bundle = await bundled(folder);
    page = await browser.open();
    // A secure context, as runtimes that serve requests are.
    await page.route("http://localhost/", (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html>" }),
    );
    await page.goto("http://localhost/");
    // The functions below are sent to the page as the test runner's compiler leaves them, with calls to this.
    await page.evaluate("globalThis.__name = (named) => named");
    await page.addScriptTag({ content: bundle });
  });
  after(async () => {
    await page?.close();
    await removeFolder(folder);
  });

  it("imports no module of Node", () => {
    assert.doesNotMatch(bundle, /["']node:/);
  });

  it("stores appends, and reads them", async () => {
    const seen = await page.evaluate(async () => {
      const app = web.fstream({ store: web.memoryStore() });
      const put = await app.request("/a/b.txt?verb=APPEND", { method: "PUT", body: "one " });
      const post = await app.request("/a/b.txt?verb=APPEND", { method: "POST", body: "two" });
      const read = await app.request("/a/b.txt");
      const missing = await app.request("/never");
      const listing = await app.request("/a/");
      await app.close();
      return [put.status, post.status, await read.text(), missing.headers.get("Stream-Error"), listing.status];
    });
    assert.deepEqual(seen, [200, 200, "one two", "not_found", 200]);
  });

  it("sends an append to a follower while it goes on", async () => {
    const seen = await page.evaluate(async () => {
      const app = web.fstream({ store: web.memoryStore() });
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const body = { method: "POST", body: readable, duplex: "half" } as RequestInit;
      const appended = app.request(new Request("https://streams.example/live.txt?verb=APPEND", body));
      await writer.write(new TextEncoder().encode("first "));
      const follow = async (): Promise<Response> => {
        const response = await app.request("/live.txt?verb=FOLLOW");
        return response.status === 404 ? await follow() : response;
      };
      const reader = ((await follow()).body as ReadableStream<Uint8Array>)
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
        .getReader();
      const got: (string | undefined)[] = [(await reader.read()).value];
      await writer.write(new TextEncoder().encode("second"));
      got.push((await reader.read()).value);
      await writer.close();
      const { done } = await reader.read();
      const { status } = await appended;
      await app.close();
      return [...got, done, status];
    });
    assert.deepEqual(seen, ["first ", "second", true, 200]);
  });

  it("names the option that is missing for a WebSocket", async () => {
    const [status, text] = await page.evaluate(async () => {
      const app = web.fstream({ store: web.memoryStore() });
      const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
      const request = new Request("https://streams.example/a.txt?verb=APPEND");
      // A page can't set these headers itself, but a runtime that serves requests does.
      const all = new Headers();
      for (const [name, value] of Object.entries({ ...headers, "Sec-WebSocket-Key": "aHR0cGZzdHJlYW0tdGVzdA==" })) {
        all.set(name, value);
      }
      Object.defineProperty(request, "headers", { value: all });
      const response = await app.request(request);
      return [response.status, await response.text()] as const;
    });
    assert.equal(status, 501);
    assert.match(text, /"upgradeWebSocket" option/);
  });

  it("refuses to start without a store", async () => {
    const message = await page.evaluate(() => {
      try {
        web.fstream({} as Parameters<typeof web.fstream>[0]);
        return "started";
      } catch (error) {
        return String(error);
      }
    });
    assert.equal(message, 'TypeError: fstream() of "httpfstream/web" needs the option "store".');
  });
});

/** Bundles the entry for browsers. An import of a module of Node would stay in it, and fail. */
async function bundled(folder: string): Promise<string> {
  const [entry, file] = [join(folder, "entry.ts"), join(folder, "web.js")];
  await writeFile(entry, `import * as web from "${join(PROJECT, "src", "web.ts")}"; globalThis.web = web;`);
  const bun = await run(await executable("bun"), [
    ...["build", entry, "--target=browser", "--format=iife", "--external=node:*", `--outfile=${file}`],
  ]);
  assert.equal(bun.exit.code, 0, bun.output);
  return await readFile(file, "utf8");
}
