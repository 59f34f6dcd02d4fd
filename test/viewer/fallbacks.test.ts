/** The viewer page where something is missing: WebSockets, the clipboard, the server for a while, a valid token. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { sign, signer } from "../auth/tokens.ts";
import { refuseUpgrade, ShiftyProxy } from "../client-reconnect/proxy.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

describe("the viewer page where something is missing", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup({
    start: () => startStandalone("node", { args: ["--host", "ci.lan"] }),
    // Not a name of this machine to the browser, as on a local network.
    args: ["--host-resolver-rules=MAP ci.lan 127.0.0.1"],
  });

  it("says over plain HTTP, too, when an append begins and how it ends", async () => {
    const proxy = await ShiftyProxy.start(setup.server.url);
    proxy.treat = refuseUpgrade;
    const writer = (await openAppend(setup.url("/fallback.log"))).getWriter();
    await writer.write("first\n");
    const viewer = await Viewer.open(setup.browser, `${proxy.url}/fallback.log`);
    await viewer.untilLast("first");
    await viewer.untilState(/^Live$/);
    await writer.write("second\n");
    await viewer.untilLast("second");
    await writer.close();
    await viewer.untilState(/^Complete$/);
    const next = (await openAppend(setup.url("/fallback.log"))).getWriter();
    await next.write("third\n");
    await viewer.untilLast("third");
    await viewer.untilState(/^Live$/);
    await next.close();
    await viewer.untilState(/^Complete$/);
    await viewer.close();
    await proxy.close();
  });

  it("copies without the clipboard of secure pages", async () => {
    writeFileSync(join(setup.root, "copied.log"), "\x1b[31mred\x1b[0m line\n");
    const viewer = await Viewer.open(setup.browser, `${setup.server.url.replace("127.0.0.1", "ci.lan")}/copied.log`);
    const { page } = viewer;
    await viewer.untilLast("red line");
    assert.equal(await page.evaluate(() => isSecureContext), false);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("alert").filter({ hasText: "Copied one line." }).waitFor();
    await page.getByLabel("Search the whole log").focus();
    await page.keyboard.press("Control+v");
    assert.equal(await page.getByLabel("Search the whole log").inputValue(), "red line");
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("shows a folder again when the server is back, also after answers that say that it is overloaded", async () => {
    mkdirSync(join(setup.root, "builds"));
    writeFileSync(join(setup.root, "builds", "1.log"), "one\n");
    const viewer = await setup.open("/builds/");
    await viewer.untilState(/^One entry$/);
    await viewer.page.route("**/builds/?live=sse", (route) => route.fulfill({ status: 503, body: "Overloaded." }));
    const refused = viewer.page.waitForResponse((response) => response.status() === 503);
    await viewer.page.reload();
    await refused;
    await viewer.page.unroute("**/builds/?live=sse");
    await viewer.untilState(/^One entry$/);
    await viewer.close();
  });

  it("says that a folder does not exist", async () => {
    const viewer = await setup.open("/nothing/");
    const { page } = viewer;
    await viewer.untilState(/^Does not exist$/);
    await append(setup.url("/nothing/now.log"), "now\n");
    await page.getByRole("alert").getByRole("button", { name: "Look again" }).click();
    await viewer.untilState(/^One entry$/);
    await viewer.close();
  });
});

describe("the viewer page whose token is no longer valid", { skip: NO_CHROMIUM }, () => {
  let folder: string;
  let token: (paths: readonly string[], exp?: number) => Promise<string>;
  const setup = new ChromiumSetup({
    async start() {
      folder = await temporaryFolder("viewer-key");
      const key = await signer("HS256");
      await writeFile(join(folder, "key.json"), JSON.stringify(key.jwk), { mode: 0o600 });
      token = (paths, exp) =>
        sign(key, { httpfstream: { read: paths, list: paths, append: paths }, ...(exp !== undefined && { exp }) });
      return await startStandalone("node", { args: ["--key", join(folder, "key.json")] });
    },
  });
  after(() => removeFolder(folder));

  it("asks for another one, and shows the document again", async () => {
    const valid = await token(["/**"]);
    await append(setup.url("/page.md"), "# Title\n", { token: valid });
    // It is accepted for the five seconds of leeway: longer than the page takes to load.
    const expiring = await token(["/**"], Math.floor(Date.now() / 1_000));
    const viewer = await setup.open(`/page.md?access_token=${expiring}`);
    const { page } = viewer;
    await page.getByLabel("Token").fill(valid);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByRole("heading", { name: "Title" }).waitFor();
    await viewer.untilState(/^Complete$/);
    assert.equal(await page.locator("#pane").isVisible(), false);
    await viewer.close();
  });

  it("does not save a refusal as the file", async () => {
    const valid = await token(["/**"]);
    await append(setup.url("/saved.log"), "saved\n", { token: valid });
    const viewer = await setup.open(`/saved.log?access_token=${valid}`);
    const { page } = viewer;
    await viewer.untilLast("saved");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "saved.log");
    await page.route("**/saved.log?raw*", (route) => route.fulfill({ status: 403, body: "This token is too small." }));
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").filter({ hasText: "This token is too small." }).waitFor();
    await viewer.close();
  });
});
