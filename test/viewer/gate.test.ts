/** The viewer page under a gate: no page tells anything, the token leaves the address bar, and everything works with it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { sign, signer } from "../auth/tokens.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

import { PNG, WAV } from "./media.ts";
import { NAVIGATION } from "./requests.ts";
import { ChromiumSetup } from "./setup.ts";

/** A key, tokens, and servers that ask for them. */
class Gate {
  readonly folder: string;
  readonly token: string;
  readonly reader: string;

  private constructor(folder: string, token: string, reader: string) {
    this.folder = folder;
    this.token = token;
    this.reader = reader;
  }

  static async create(): Promise<Gate> {
    const folder = await temporaryFolder("gate");
    const key = await signer("HS256");
    const { writeFile } = await import("node:fs/promises");
    await writeFile(`${folder}/key.json`, JSON.stringify(key.jwk), { mode: 0o600 });
    const all = { read: ["/**"], list: ["/**"], append: ["/**"] };
    const token = await sign(key, { httpfstream: all });
    return new Gate(folder, token, await sign(key, { httpfstream: { read: ["/folder/**"] } }));
  }

  async start(runtime: (typeof RUNTIMES)[number]): Promise<TestServer> {
    const server = await startStandalone(runtime, { args: ["--key", `${this.folder}/key.json`] });
    const { token } = this;
    await append(`${server.url}/public.log`, "<b>not bold</b>\nlast\n", { token });
    await append(`${server.url}/folder/a b%23.log`, "deep\n", { token });
    return server;
  }
}

let gate: Gate;
before(async () => {
  gate = await Gate.create();
});
after(() => removeFolder(gate.folder));

for (const runtime of RUNTIMES) {
  describe(`the viewer page under a gate, on ${runtime}`, () => {
    let server: TestServer;
    before(async () => {
      server = await gate.start(runtime);
    });
    after(() => server.stop());

    it("is the same for every path with 401, and its assets need no token", async () => {
      const pages = new Set<string>();
      for (const target of ["/public.log", "/missing", "/folder", "/public.log?access_token=bad"]) {
        const page = await request(server.url, { target, headers: { ...NAVIGATION } });
        assert.equal(page.status, 401);
        assert.match(page.headers.get("www-authenticate") ?? "", /^Bearer realm="httpfstream"/);
        assert.equal(page.headers.get("stream-error"), "unauthorized");
        assert.equal(page.headers.get("cache-control"), "no-store");
        assert.equal(page.headers.get("etag"), null);
        pages.add(page.text);
      }
      assert.equal(pages.size, 1);
      const [, script = ""] = /src="([^"]+)"/.exec([...pages][0] ?? "") ?? [];
      const asset = await request(server.url, { target: `/${script}` });
      assert.equal(asset.status, 200);
    });

    it("answers a link with a token with 200, and puts the token nowhere", async () => {
      for (const target of [`/public.log?access_token=${gate.token}`, `/?access_token=${gate.token}`]) {
        const page = await request(server.url, { target, headers: { ...NAVIGATION } });
        assert.deepEqual([page.status, page.text.includes(gate.token)], [200, false]);
        assert.match(page.text, /^<!doctype html>/);
        assert.equal(page.headers.get("referrer-policy"), "no-referrer");
      }
    });

    it("gives bytes to everything else", async () => {
      const headers = { Authorization: `Bearer ${gate.token}` };
      const bytes = await request(server.url, { target: "/public.log", headers });
      assert.equal(bytes.text, "<b>not bold</b>\nlast\n");
      const refused = await request(server.url, { target: "/public.log?raw", headers: { ...NAVIGATION } });
      assert.deepEqual([refused.status, refused.headers.get("content-type")], [401, "text/plain; charset=utf-8"]);
    });
  });
}

describe("the viewer page under a gate, in Chromium", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({ start: () => gate.start("node") });

  it("takes the token out of the address bar; reloading and following work", async () => {
    const viewer = await setup.open(`/public.log?access_token=${gate.token}&x=1#L1`);
    await viewer.untilLast("last");
    assert.equal(viewer.page.url(), setup.url("/public.log?x=1#L1"));
    assert.equal((await viewer.page.content()).includes(gate.token), false);
    await viewer.page.reload();
    await viewer.untilLast("last");
    await append(setup.url("/public.log"), "more\n", { token: gate.token });
    await viewer.page.keyboard.press("End");
    await viewer.untilLast("more");
    const problems = viewer.problems.filter((text) => !text.includes("401"));
    assert.deepEqual(problems, []);
    await viewer.close();
  });

  it("shows a folder, whose links work", async () => {
    const viewer = await setup.open(`/?access_token=${gate.token}`);
    const { page } = viewer;
    await page.getByRole("link", { name: "public.log" }).waitFor();
    assert.equal(page.url(), setup.url("/"));
    await page.getByRole("link", { name: "folder/" }).click();
    await page.getByRole("link", { name: "a b#.log" }).click();
    await viewer.untilLast("deep");
    assert.equal(page.url(), setup.url("/folder/a%20b%23.log"));
    await page.getByRole("navigation").getByRole("link", { name: "folder/" }).click();
    await page.getByRole("link", { name: "a b#.log" }).waitFor();
    await viewer.close();
  });

  it("asks for a token, and says what one does not allow", async () => {
    const viewer = await setup.open("/public.log");
    const { page } = viewer;
    await page.getByLabel("Token").fill("nonsense");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("malformed").waitFor();
    await page.getByLabel("Token").fill(gate.reader);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("allows neither reading nor listing").waitFor();
    await page.getByRole("button", { name: "Use another token" }).click();
    await page.getByLabel("Token").fill(gate.token);
    await page.getByRole("button", { name: "Open" }).click();
    await viewer.until("the lines", (rows) => rows.some(({ text }) => text === "last"));
    await viewer.close();
  });

  it("shows images and audio, whose elements can't send the token", async () => {
    for (const [name, content, shown] of [
      ["dot.png", PNG, "#document img"],
      ["silence.wav", WAV, "#document audio"],
    ] as const) {
      await append(setup.url(`/${name}`), content, { token: gate.token });
      const viewer = await setup.open(`/${name}?view&access_token=${gate.token}`);
      const { page } = viewer;
      await page.locator(shown).waitFor();
      await page.waitForFunction((selector) => {
        const one = document.querySelector(selector);
        return one instanceof HTMLImageElement ? one.naturalWidth === 1 : (one as HTMLMediaElement).duration > 0;
      }, shown);
      assert.match((await page.locator(shown).getAttribute("src")) ?? "", /^blob:/);
      assert.deepEqual(
        viewer.problems.filter((text) => !text.includes("401")),
        [],
      );
      await viewer.close();
    }
  });

  it("waits for a path that does not exist yet", async () => {
    const viewer = await setup.open(`/new.log?access_token=${gate.token}`);
    await viewer.untilState(/^Waiting/);
    await append(setup.url("/new.log"), "born\n", { token: gate.token });
    await viewer.untilLast("born");
    await viewer.close();
  });
});
