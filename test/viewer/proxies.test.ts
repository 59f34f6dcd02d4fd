/** The viewer page behind nginx and Caddy, with the configurations of docs/operate.md, and behind nginx with a cache. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { replaced } from "../docs/nginx.ts";
import { PROXIES, type ProxyKind, proxyPrograms, type RunningProxy, startProxy } from "../docs/proxy.ts";
import { type HttpResponse, request } from "../fixture/http.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { BROWSERS, type TestBrowser } from "./browsers.ts";
import { LogPage } from "./page.ts";
import { NAVIGATION } from "./requests.ts";

/** Enough for several blocks. */
const LINES = 40_000;

// As in test/docs/proxies.test.ts, all programs are found before the first test is registered.
const programs = await temporaryFolder("proxies");
const [nginx, caddy] = await proxyPrograms(programs);
after(() => removeFolder(programs));

const [NGINX, CADDY] = PROXIES;
if (!NGINX || !CADDY) throw new Error("the page has configurations for nginx and Caddy");

/** A server behind a proxy. */
class Front {
  readonly name: string;
  readonly skip: string | false;
  readonly #start: (target: string, folder: string) => Promise<RunningProxy>;
  readonly #args: readonly string[];
  #server: TestServer | undefined;
  #proxy: RunningProxy | undefined;

  constructor(
    name: string,
    kind: ProxyKind,
    program: string | undefined,
    change?: (folder: string) => (block: string) => string,
    args: readonly string[] = [],
  ) {
    this.name = name;
    this.#args = args;
    this.skip = program === undefined && `${kind.name} is not installed; run scripts/debian.sh ${kind.name}`;
    this.#start = (target, folder) => startProxy(kind, program ?? "", target, folder, change?.(folder));
  }

  get url(): string {
    return this.#proxy?.url ?? "";
  }

  get root(): string {
    return this.#server?.root ?? "";
  }

  async start(): Promise<void> {
    if (this.skip !== false) return;
    this.#server = await startStandalone("node", { args: ["--host", "streams.example.com", ...this.#args] });
    this.#proxy = await this.#start(this.#server.url, join(programs, this.name.replaceAll(" ", "-")));
    fill(this.root);
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    await this.#server?.stop();
  }
}

const FRONTS: readonly Front[] = [
  new Front("nginx", NGINX, nginx),
  new Front("nginx with a cache", NGINX, nginx, withCache),
  new Front("nginx with a cache of bytes", NGINX, nginx, withCache, ["--cache-seconds", "60"]),
  new Front("Caddy", CADDY, caddy),
];

describe("the viewer page behind proxies", { timeout: 240_000 }, () => {
  before(async () => {
    for (const front of FRONTS) await front.start();
  });
  after(async () => {
    for (const front of FRONTS) await front.stop();
  });

  for (const front of FRONTS) {
    it(`is apart from the bytes, behind ${front.name}`, { skip: front.skip }, () => apart(front));
  }

  it("has its assets from the cache of nginx, and nothing that may change", { skip: FRONTS[1]?.skip }, async () => {
    const url = FRONTS[1]?.url ?? "";
    const ask = async (target: string, headers = {}) => {
      const answer = await request(url, { target, headers });
      return { answer, cache: answer.headers.get("x-cache") };
    };
    const script = async (): Promise<string> => {
      const { answer, cache } = await ask("/large.log", NAVIGATION);
      assert.notEqual(cache, "HIT");
      return /src="([^"]+)"/.exec(answer.text)?.[1] ?? "";
    };
    await ask(`/${await script()}`);
    assert.equal((await ask(`/${await script()}`)).cache, "HIT");
    for (let turn = 0; turn < 2; turn++) assert.notEqual((await ask("/large.log")).cache, "HIT");
  });

  for (const kind of BROWSERS) {
    describe(`in ${kind.name}`, { skip: kind.skip }, () => {
      let browser: TestBrowser;
      before(async () => {
        browser = await kind.start();
      });
      after(() => browser?.close());
      for (const [at, front] of FRONTS.entries()) {
        const { name } = front;
        const skip = front.skip || (IS_SHORT && kind.name === "Firefox" && at > 0 && LEFT_OUT);
        it(`shows a log, reloads and follows it, behind ${name}`, { skip }, () => log(browser, front, kind.name));
        it(`shows a folder as it changes, behind ${name}`, { skip }, () => folder(browser, front, kind.name));
      }
    });
  }
});

async function apart({ url }: Front): Promise<void> {
  const get = (headers: Readonly<Record<string, string>>): Promise<HttpResponse> =>
    request(url, { target: "/large.log", headers });
  for (let turn = 0; turn < 2; turn++) {
    const page = await get(NAVIGATION);
    assert.match(page.text, /^<!doctype html>/);
    const bytes = await get({ Accept: "*/*" });
    assert.match(bytes.text, /^line 0\n/);
    assert.match((await get({ Accept: "*/*", Range: "bytes=0-5" })).text, /^line 0/);
    const known = await get({ ...NAVIGATION, "If-None-Match": page.headers.get("etag") ?? "" });
    assert.ok(known.status === 304 || known.text === page.text);
    const other = await get({ ...NAVIGATION, "If-None-Match": bytes.headers.get("etag") ?? "" });
    assert.match(other.text, /^<!doctype html>/);
  }
}

async function log(browser: TestBrowser, { url, root }: Front, name: string): Promise<void> {
  writeFileSync(join(root, `${name}.log`), content());
  const viewer = await LogPage.in(browser, `${url}/${name}.log`);
  await viewer.untilLast(`line ${LINES - 1}`);
  await viewer.untilState(/^Not being written$/);
  await viewer.tab.press("Home");
  await viewer.until("the first line", ([row]) => row?.text === "line 0");
  await viewer.goToHash("L20001");
  await viewer.until("the middle", (rows) => rows.some((row) => row.number === 20_001 && row.text === "line 20000"));
  const writer = (await openAppend(`${url}/${name}.log`)).getWriter();
  await writer.write("more\n");
  await viewer.untilState(/^Live$/);
  await viewer.tab.press("End");
  await viewer.untilLast("more");
  await writer.write(content().repeat(3));
  await viewer.untilLast(`line ${LINES - 1}`);
  await viewer.tab.open(`${url}/${name}.log`);
  await viewer.untilState(/^Live$/);
  await viewer.until("all of it", (rows) => rows[rows.length - 1]?.number === 4 * LINES + 1);
  await viewer.goToHash("L60002");
  await viewer.until("what is new", (rows) => rows.some((row) => row.number === 60_002 && row.text === "line 20000"));
  await viewer.tab.press("End");
  for (const word of ["parts", " of", " a line"]) await writer.write(word);
  await viewer.untilLast("parts of a line");
  await viewer.tab.open(`${url}/${name}.log`);
  await viewer.untilLast("parts of a line");
  await viewer.tab.reload();
  await viewer.untilLast("parts of a line");
  await writer.write("\nlast\n");
  await viewer.untilLast("last");
  await writer.close();
  await viewer.untilState(/^Complete$/);
  await viewer.tab.open(`${url}/other.log`);
  await viewer.untilLast("other");
  await viewer.tab.back();
  await viewer.untilLast("last");
  // The browser itself reports the 416 of a cache whose copy is too short.
  assert.deepEqual(
    viewer.problems.filter((text) => !text.includes("416")),
    [],
  );
  await viewer.close();
}

async function folder(browser: TestBrowser, { url, root }: Front, name: string): Promise<void> {
  const path = join(root, `folder of ${name}`);
  mkdirSync(path);
  writeFileSync(join(path, "one.log"), "one\n");
  const address = `${url}/folder%20of%20${name}`;
  const viewer = await LogPage.in(browser, `${address}/`);
  await viewer.untilState(/^One entry$/);
  const writer = (await openAppend(`${address}/two.log`)).getWriter();
  await writer.write("two\n");
  await viewer.untilState(/^2 entries/);
  await writer.close();
  rmSync(join(path, "one.log"));
  await viewer.untilState(/^One entry$/);
  assert.deepEqual(viewer.problems, []);
  await viewer.close();
}

function fill(root: string): void {
  writeFileSync(join(root, "large.log"), content());
  writeFileSync(join(root, "other.log"), "other\n");
}

function content(): string {
  return Array.from({ length: LINES }, (_, at) => `line ${at}\n`).join("");
}

/** nginx with a cache for whatever may be kept. */
function withCache(folder: string): (block: string) => string {
  const cache = "proxy_buffering on; proxy_cache viewer; add_header X-Cache $upstream_cache_status always;";
  return (block) =>
    `proxy_cache_path ${join(folder, "cache")} keys_zone=viewer:1m;\n${replaced(block, "proxy_buffering off;", cache)}`;
}
