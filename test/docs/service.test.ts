/** The systemd unit of docs/operate.md. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { request } from "../fixture/http.ts";
import { executable, Program, run, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { sectionsOf } from "./markdown.ts";

const VERIFIER = "/usr/bin/systemd-analyze";
const COMMAND = "/usr/local/bin/httpfstream";
const STATE = "/var/lib/httpfstream";

const page = await readFile(join(ROOT, "docs", "operate.md"), "utf8");
const unit = sectionsOf(page)
  .flatMap(({ blocks }) => blocks)
  .find(({ language }) => language === "ini")?.text;

describe("the systemd unit", { timeout: 60_000 }, async () => {
  assert.ok(unit, "the page has a unit");
  const folder = await temporaryFolder("unit");
  after(() => removeFolder(folder));
  const skip = !existsSync(VERIFIER) && `${VERIFIER} is not there`;

  it("is valid for systemd", { skip }, async () => {
    const file = join(folder, "httpfstream.service");
    await writeFile(file, unit.replace(COMMAND, "/bin/true"));
    const { exit, output } = await run(VERIFIER, ["verify", "--recursive-errors=no", file]);
    assert.equal(exit.code, 0, output);
    assert.doesNotMatch(output, /httpfstream/);
  });

  it("starts a server that SIGTERM shuts down cleanly", async () => {
    const [, line = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const [command, ...args] = line.replace(STATE, folder).replace(":8080", ":0").split(" ");
    assert.equal(command, COMMAND);
    assert.match(unit, /^StateDirectory=httpfstream$/m, `which makes ${STATE}`);
    const server = new Program(await executable("node"), [...scriptArguments("node", "mod.ts"), ...args]);
    const [url] = await server.printed(/http:\/\/127\.0\.0\.1:\d+/);
    assert.equal((await request(url, { target: "/" })).status, 200);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  });
});
