/** Boolean options of the server in environment variables and on the command line, and invalid values. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { bareCommand } from "../../src/cli/common/options.ts";
import { addToggle } from "../../src/cli/common/toggle.ts";
import { fromGoFlags } from "../../src/cli/go-flags.ts";
import { serveCommand } from "../../src/cli/serve/mod.ts";
import { request } from "../fixture/http.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { start } from "./commands.ts";

const ORIGIN = "https://any.example";

describe("boolean options", { concurrency: 2 }, () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("toggles");
  });
  after(() => removeFolder(folder));

  /** Whether CORS and listings are on in a server with these environment variables. */
  async function stateWith(env: Record<string, string>): Promise<[boolean, boolean]> {
    const server = await startStandalone("node", { env });
    const answer = await request(server.url, { target: "/", headers: { Origin: ORIGIN } });
    await server.stop();
    return [answer.headers.get("access-control-allow-origin") !== null, answer.status === 200];
  }

  /** The value of a toggle for the text of its environment variable and for arguments. */
  async function toggled(flag: string, text: string | undefined, args: readonly string[] = []): Promise<unknown> {
    const variable = "HTTPFSTREAM_TEST_TOGGLE";
    const opposite = flag === "--sound" ? "--no-sound" : "--sound";
    let options: Record<string, unknown> = {};
    const command = addToggle(bareCommand("test"), { flag, opposite, description: "", variable });
    command.configureOutput({ writeErr: () => {} }).action((given) => {
      options = given;
    });
    if (text !== undefined) process.env[variable] = text;
    try {
      await command.parseAsync([...args], { from: "user" });
    } finally {
      delete process.env[variable];
    }
    return options["sound"];
  }

  it("a variable accepts words for true and false", async () => {
    for (const text of ["true", "1", "YES", " on "]) {
      assert.deepEqual([await toggled("--sound", text), await toggled("--no-sound", text)], [true, false], text);
    }
    for (const text of ["false", "0", "No", "off", ""]) {
      assert.deepEqual([await toggled("--sound", text), await toggled("--no-sound", text)], [false, true], text);
    }
    assert.deepEqual([await toggled("--sound", undefined), await toggled("--no-sound", undefined)], [undefined, true]);
    for (const text of ["maybe", "2", "truee"])
      await assert.rejects(toggled("--sound", text), /must be one of 1, true/);
  });

  it("the command line overrides the variable, either way", async () => {
    assert.equal(await toggled("--sound", "1", ["--no-sound"]), false);
    assert.equal(await toggled("--no-sound", "1", ["--sound"]), true);
    assert.equal(await toggled("--sound", "0", ["--sound"]), true);
    assert.deepEqual(
      fromGoFlags(
        ["-cors=false", "-no-listings=false"],
        serveCommand("x", () => {}),
      ),
      ["--no-cors", "--listings"],
    );
  });

  it("variables switch CORS and listings of the server", async () => {
    assert.deepEqual(await stateWith({ HTTPFSTREAM_CORS: "false", HTTPFSTREAM_NO_LISTINGS: "false" }), [false, true]);
    assert.deepEqual(await stateWith({ HTTPFSTREAM_CORS: "true", HTTPFSTREAM_NO_LISTINGS: "on" }), [true, false]);
  });

  const empty = ["ROOT", "HTTP", "DURABILITY", "HOST", "ORIGIN", "LIMIT", "LOG_FORMAT", "LOG_LEVEL"];
  const unset = (text: string) => Object.fromEntries(empty.map((name) => [`HTTPFSTREAM_${name}`, text]));

  it("an empty variable counts as unset", async () => {
    for (const text of ["", " "]) {
      const server = await startStandalone("node", { env: unset(text) });
      assert.equal((await request(server.url, { target: "/" })).status, 200);
      assert.match(server.program.output, /^httpfstream .* serving /);
      await server.stop();
      // None of the variables is reported as wrong, only the arguments.
      const wrong = await start("node", ["serve", "0", "1"], unset(text));
      assert.equal((await wrong.end()).code, 2);
      assert.match(String(wrong.stderr.bytes()), /too many arguments/);
    }
  });

  const wrong: [Record<string, string>, string[], RegExp][] = [
    [
      { HTTPFSTREAM_CORS: "maybe" },
      [],
      /HTTPFSTREAM_CORS must be one of 1, true, yes, on, 0, false, no, off, or empty \(off\), not "maybe"/,
    ],
    [{ HTTPFSTREAM_NO_LISTINGS: "2" }, [], /HTTPFSTREAM_NO_LISTINGS must be one of .*, not "2"/],
    [{ HTTPFSTREAM_ORIGIN: "foo" }, [], /"foo" is not an origin/],
    [{ HTTPFSTREAM_HOST: "a:80" }, [], /"a:80" is not a host name/],
    [{}, ["--origin", "foo"], /"foo" is not an origin/],
    [{}, ["--host", "http://a.example"], /is not a host name/],
    [{}, ["--limit", "__proto__=1"], /There is no limit "__proto__"/],
    [{}, ["--limit", "graceMs=1,__proto__=1"], /There is no limit "__proto__"/],
    [{ HTTPFSTREAM_LIMIT: "__proto__=1" }, [], /There is no limit "__proto__"/],
    [{}, ["--limit", "constructor=1"], /There is no limit "constructor"/],
    [{}, ["--root", ""], /must name a folder/],
    [{}, ["--log-format", "\u001b[31m\nx"], /'\\e\[31m x' is invalid/],
  ];
  for (const [env, args, pattern] of wrong) {
    it(`${JSON.stringify(env)} ${args.join(" ")} is a usage error, and creates no folder`, async () => {
      const root = join(folder, "never");
      const server = await start("node", ["serve", "--root", root, "--http", "127.0.0.1:0", ...args], env);
      assert.deepEqual(await server.end(), { code: 2, signal: null }, server.output);
      assert.match(String(server.stderr.bytes()), pattern);
      assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
      assert.ok(!existsSync(root));
    });
  }
});
