/** The address of the assets in the viewer page. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { fstream, memoryStore } from "../../src/index.ts";

/** The addresses of the script and the style in the page at a URL. */
async function assetsOf(app: Hono, url: string): Promise<string[]> {
  const response = await app.request(url);
  assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
  const page = await response.text();
  const found = [...page.matchAll(/ (?:src|href)="([^"]*\.httpfstream\/[^"]*)"/g)].map(([, given = ""]) => given);
  assert.equal(found.length, 2, page.slice(0, 500));
  return found.map((given) => new URL(given.replaceAll("&#39;", "'").replaceAll("&amp;", "&"), url).href);
}

describe("the viewer page", () => {
  it("has its assets below its mount, whatever that is called", async () => {
    const streams = fstream({ store: memoryStore(), scope: (c) => c.req.param("user") ?? "" });
    const app = new Hono();
    app.route("/of/:user", streams);
    for (const user of ["a", "a:b", "https:example.com", "javascript:alert(1)", "a&quot;b", "a'b", "%C3%A4"]) {
      for (const path of ["", "/", "/x.log", "/f/x.log"]) {
        const base = `http://localhost/of/${user}`;
        for (const asset of await assetsOf(app, `${base}${path}?view`)) {
          assert.ok(asset.startsWith(`${base}/.httpfstream/`), `${asset} of ${user}${path}`);
          assert.equal((await app.request(asset)).status, 200, asset);
        }
      }
    }
    await streams.close();
  });
});
