/** Who gets the viewer page, and who gets the bytes, on all runtimes: standalone and mounted. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { type HttpResponse, request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startMounted, startStandalone, type TestServer } from "../fixture/servers.ts";
import { KINDS, NAVIGATION, PLAIN_NAVIGATION } from "./requests.ts";

const VARY = "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

/** Files, and whether a browser's window shows them in the page. */
const FILES: readonly (readonly [string, string | Buffer, boolean])[] = [
  ["a.log", "line\n", true],
  ["b.txt", "line\n", true],
  ["c.md", "# title\n", true],
  ["d.json", "{}\n", true],
  ["e.ndjson", "{}\n", true],
  ["f.jsonl", "{}\n", true],
  ["build", "line\n", true],
  ["core.1234", Buffer.from([0, 1, 2]), true],
  ["g.ts", "const a = 1;\n", true],
  ["g.csv", "a,b\n", true],
  ["h.html", "<p>page</p>\n", false],
  ["i.svg", "<svg/>\n", false],
  ["j.png", PNG, false],
  ["k.mp4", PNG, false],
  ["l.pdf", "%PDF-1.4\n", false],
  ["m.zip", PNG, false],
  ["n.ts", PNG, false],
];

for (const runtime of RUNTIMES) {
  describe(`the viewer page, standalone on ${runtime}`, () => {
    cases(() => startStandalone(runtime), "", "");
    it("stays off with --no-viewer", () => staysOff(runtime));
  });
  describe(`the viewer page, mounted on ${runtime}`, () => cases(() => startMounted(runtime), MOUNTS.deep, "deep"));
  describe(`the viewer page, mounted at a path with spaces on ${runtime}`, () =>
    cases(() => startMounted(runtime), encodeURI(MOUNTS.spaced), "spaced"));
  describe(`the viewer page, behind middleware on ${runtime}`, () =>
    behindMiddleware(() => startMounted(runtime), MOUNTS.squeezed, "squeezed"));
}

function cases(start: () => Promise<TestServer>, base: string, folder: string): void {
  let server: TestServer;
  before(async () => {
    server = await start();
    const root = join(server.root, folder);
    mkdirSync(join(root, "sub", "er"), { recursive: true });
    for (const [name, content] of FILES) writeFileSync(join(root, name), content);
    writeFileSync(join(root, "sub", "er", "x y.log"), "line\n");
  });
  after(() => server.stop());
  const get = (target: string, headers: Readonly<Record<string, string>> = NAVIGATION, method = "GET") =>
    request(server.url, { method, target: base + target, headers });

  for (const { name, page, headers = {}, query = "", method = "GET" } of KINDS) {
    it(`answers ${name} with ${page ? "the page" : "bytes"}`, async () => {
      const answer = await get(`/a.log${query}`, headers, method);
      assert.equal(isPage(answer), page, `${answer.status} ${answer.headers.get("content-type")}`);
      if (page && method === "GET") assert.match(answer.text, /^<!doctype html>/);
      const isPart = headers.Range !== undefined || query.includes("offset=") || query.includes("tail=");
      if (!page && !isPart && !query.includes("live")) assert.equal(answer.text, "line\n");
      // Where a parameter decides, headers do not.
      const decides = /raw|view|offset|tail|verb|live/.test(query) || headers["X-Verb"] !== undefined;
      if (!decides) assert.equal(answer.headers.get("vary"), VARY);
      else assert.equal(answer.headers.get("vary")?.includes("Sec-Fetch-Dest") ?? false, false);
    });
  }

  it("shows text and unknown types in the page, and everything else as before", async () => {
    for (const [name, , shown] of FILES) {
      for (const headers of [NAVIGATION, PLAIN_NAVIGATION]) {
        assert.equal(isPage(await get(`/${name}`, headers)), shown, name);
      }
      assert.equal(isPage(await get(`/${name}?view`, {})), true, name);
      assert.equal(isPage(await get(`/${name}`, { Accept: "*/*" })), false, name);
    }
  });

  it("has an entity tag of its own, and answers 304 to it alone", async () => {
    const page = await get("/a.log");
    const bytes = await get("/a.log", { Accept: "*/*" });
    const [tag, other] = [page.headers.get("etag") ?? "", bytes.headers.get("etag") ?? ""];
    assert.notEqual(tag, other);
    const known = await get("/a.log", { ...NAVIGATION, "If-None-Match": tag });
    assert.deepEqual([known.status, known.text, known.headers.get("vary")], [304, "", VARY]);
    assert.equal((await get("/a.log", { ...NAVIGATION, "If-None-Match": other })).status, 200);
    assert.equal((await get("/a.log", { Accept: "*/*", "If-None-Match": tag })).status, 200);
    assert.equal((await get("/a.log", { Accept: "*/*", "If-None-Match": other })).status, 304);
  });

  it("has a strict policy, and takes no part of the path", async () => {
    const pages = new Set<string>();
    for (const name of ["a.log", "c.md", "build", "d.json"]) {
      const page = await get(`/${name}`);
      const policy = page.headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /require-trusted-types-for 'script'/);
      assert.doesNotMatch(policy, /unsafe/);
      assert.equal(page.headers.get("referrer-policy"), "no-referrer");
      assert.equal(page.headers.get("x-content-type-options"), "nosniff");
      assert.equal(page.headers.get("cache-control"), "private, no-cache");
      pages.add(page.text);
    }
    assert.equal(pages.size, 1);
  });

  it("waits with status 404 for paths that were never written, and only browsers get that page", async () => {
    for (const target of ["/never.log", "/sub/never", "/never/at/all.txt"]) {
      const page = await get(target);
      assert.deepEqual([page.status, isPage(page)], [404, true]);
      assert.equal(page.headers.get("stream-error"), "not_found");
      assert.equal(page.headers.get("etag"), null);
      const answer = await get(target, { Accept: "*/*" });
      assert.deepEqual([answer.status, isPage(answer)], [404, false]);
    }
  });

  it("sends the assets from an address relative to the page, compressed or not", async () => {
    for (const target of ["/a.log", "/sub/er/x%20y.log", "/never/at/all.txt"]) {
      const page = await get(target);
      const names = [...page.text.matchAll(/(?:src|href)="([^"]*\.httpfstream\/[^"]+)"/g)].map(([, name = ""]) => name);
      assert.equal(names.length, 2);
      for (const name of names) {
        const { pathname } = new URL(name, `${server.url}${base}${target}`);
        const plain = await request(server.url, { target: pathname });
        assert.deepEqual([plain.status, plain.headers.get("content-encoding")], [200, null]);
        const packed = await request(server.url, { target: pathname, headers: { "Accept-Encoding": "gzip, br" } });
        assert.equal(packed.headers.get("content-encoding"), "gzip");
        assert.equal(packed.headers.get("vary"), "Accept-Encoding");
        assert.match(packed.headers.get("cache-control") ?? "", /immutable/);
        assert.match(packed.headers.get("content-security-policy") ?? "", /trusted-types/);
        assert.deepEqual(gunzipSync(packed.body), plain.body);
        const head = await request(server.url, { method: "HEAD", target: pathname });
        assert.deepEqual([head.status, head.text], [200, ""]);
      }
    }
  });

  it("reserves no other address for the assets, and none can be written to", async () => {
    assert.equal((await request(server.url, { target: `${base}/.httpfstream/none.js` })).status, 400);
    const page = await get("/a.log");
    const [, name = ""] = /href="(\.httpfstream\/[^"]+)"/.exec(page.text) ?? [];
    const write = await request(server.url, { method: "PUT", target: `${base}/${name}?verb=APPEND`, body: "x" });
    assert.equal(write.status, 400);
  });

  it("shows folders to windows of browsers only", async () => {
    const page = await get("/sub/");
    assert.deepEqual([page.status, isPage(page)], [200, true]);
    assert.match(page.text, /<table id="entries">.*>er\/<\/a>/s);
    const plain = await get("/sub/", { Accept: "text/html" });
    assert.deepEqual([plain.status, isPage(plain)], [200, false]);
    assert.match(plain.text, /<table>.*>er\/<\/a>/s);
    const json = await get("/sub/", { Accept: "application/json" });
    assert.deepEqual(
      (JSON.parse(json.text) as { entries: { name: string }[] }).entries.map(({ name }) => name),
      ["er"],
    );
  });
}

/** Hono's `etag()` and `compress()` in front of the app. */
function behindMiddleware(start: () => Promise<TestServer>, base: string, folder: string): void {
  let server: TestServer;
  before(async () => {
    server = await start();
    mkdirSync(join(server.root, folder), { recursive: true });
    writeFileSync(join(server.root, folder, "a.log"), "line\n");
  });
  after(() => server.stop());

  it("keeps its policy and its headers for caches", async () => {
    const headers = { ...NAVIGATION, "Accept-Encoding": "gzip" };
    const page = await request(server.url, { target: `${base}/a.log`, headers });
    assert.equal(page.headers.get("content-encoding"), "gzip");
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    for (const name of VARY.split(", ")) assert.ok(page.headers.get("vary")?.includes(name), name);
    const text = gunzipSync(page.body).toString();
    const tag = page.headers.get("etag") ?? "";
    assert.equal(
      (await request(server.url, { target: `${base}/a.log`, headers: { ...headers, "If-None-Match": tag } })).status,
      304,
    );
    const [, script = ""] = /src="([^"]+)"/.exec(text) ?? [];
    const asset = await request(server.url, { target: `${base}/${script}`, headers: { "Accept-Encoding": "gzip" } });
    assert.equal(asset.headers.get("content-encoding"), "gzip");
    assert.match(gunzipSync(asset.body).toString(), /createPolicy/);
  });
}

async function staysOff(runtime: Runtime): Promise<void> {
  const server = await startStandalone(runtime, { args: ["--no-viewer"] });
  writeFileSync(join(server.root, "a.log"), "line\n");
  for (const target of ["/a.log", "/a.log?view"]) {
    const answer = await request(server.url, { target, headers: NAVIGATION });
    assert.deepEqual([answer.text, answer.headers.get("vary")], ["line\n", null]);
  }
  const missing = await request(server.url, { target: "/never", headers: NAVIGATION });
  assert.deepEqual([missing.status, isPage(missing)], [404, false]);
  await server.stop();
}

function isPage({ headers }: HttpResponse): boolean {
  return (
    headers.get("content-type")?.startsWith("text/html") === true &&
    headers.has("content-security-policy") &&
    headers.get("content-security-policy")?.includes("trusted-types") === true
  );
}
