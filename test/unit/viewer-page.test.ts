/** The address of the assets in the viewer page. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { fstream, memoryStore } from "../../src/index.ts";
import { ASSETS } from "../../src/viewer/assets.ts";

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

  it("has scripts that name only each other, by names that change with any of them", async () => {
    const streams = fstream({ store: memoryStore(), authorize: () => false });
    const app = new Hono().route("/deep/er", streams);
    const parts = Object.keys(ASSETS).filter((name) =>
      /^(page|folder|document|data|actions|filter)-\w+\.js$/.test(name),
    );
    assert.equal(parts.length, 6);
    assert.equal(new Set(parts.map((name) => name.split("-")[1])).size, 1);
    for (const name of parts) {
      // A gate asks for no token here.
      const address = `http://localhost/deep/er/.httpfstream/${name}`;
      const response = await app.request(address);
      assert.equal(response.status, 200, name);
      assert.match(response.headers.get("cache-control") ?? "", /immutable/);
      const text = await response.text();
      const imported = [...text.matchAll(/(?:from|import\()"([^"]*)"/g)].map(([, given = ""]) => given);
      assert.ok(imported.length > 0, name);
      for (const one of imported) {
        assert.match(one, /^\.\/[a-z]+-[0-9a-f]{12}\.js$/, name);
        assert.equal((await app.request(new URL(one, address).href)).status, 200, `${one} of ${name}`);
      }
    }
    await streams.close();
  });
});
