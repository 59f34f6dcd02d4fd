/** Options of the server that are on or off, in environment variables; and values that can't be understood. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { request } from "../fixture/http.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { start } from "./commands.ts";

const ORIGIN = "https://any.example";

describe("options that are on or off", { concurrency: 2 }, () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("toggles");
  });
  after(() => removeFolder(folder));

  /** Whether CORS and listings are on in a server with these words. */
  async function stateWith(env: Record<string, string>, args: readonly string[] = []): Promise<[boolean, boolean]> {
    const server = await startStandalone("node", { env, args });
    const answer = await request(server.url, { target: "/", headers: { Origin: ORIGIN } });
    await server.stop();
    return [answer.headers.get("access-control-allow-origin") !== null, answer.status === 200];
  }

  const words: [string[], boolean][] = [
    [["true", "1", "YES", " on "], true],
    [["false", "0", "No", "off", ""], false],
  ];
  for (const [texts, isOn] of words) {
    for (const text of texts) {
      it(`${JSON.stringify(text)} in a variable is ${isOn ? "on" : "off"}`, async () => {
        assert.deepEqual(await stateWith({ HTTPFSTREAM_CORS: text, HTTPFSTREAM_NO_LISTINGS: text }), [isOn, !isOn]);
      });
    }
  }

  it("the command line beats the variable, either way", async () => {
    const on = { HTTPFSTREAM_CORS: "1", HTTPFSTREAM_NO_LISTINGS: "1" };
    assert.deepEqual(await stateWith(on, ["--no-cors", "--listings"]), [false, true]);
    assert.deepEqual(await stateWith(on, ["-cors=false", "-no-listings=false"]), [false, true]);
    const off = { HTTPFSTREAM_CORS: "0", HTTPFSTREAM_NO_LISTINGS: "0" };
    assert.deepEqual(await stateWith(off, ["--cors", "--no-listings"]), [true, false]);
  });

  const wrong: [Record<string, string>, string[], RegExp][] = [
    [{ HTTPFSTREAM_CORS: "maybe" }, [], /HTTPFSTREAM_CORS must be true or false, not "maybe"/],
    [{ HTTPFSTREAM_NO_LISTINGS: "2" }, [], /HTTPFSTREAM_NO_LISTINGS must be true or false, not "2"/],
    [{ HTTPFSTREAM_ORIGIN: "foo" }, [], /"foo" is not an origin/],
    [{ HTTPFSTREAM_HOST: "a:80" }, [], /"a:80" is not a host name/],
    [{}, ["--origin", "foo"], /"foo" is not an origin/],
    [{}, ["--origin", "https://a.*.example"], /is not an origin/],
    [{}, ["--host", "http://a.example"], /is not a host name/],
  ];
  for (const [env, args, pattern] of wrong) {
    it(`${JSON.stringify(env)} ${args.join(" ")} is wrong usage, and makes no folder`, async () => {
      const root = join(folder, "never");
      const server = await start("node", ["serve", "--root", root, "--http", "127.0.0.1:0", ...args], env);
      assert.deepEqual(await server.end(), { code: 2, signal: null }, server.output);
      assert.match(String(server.stderr.bytes()), pattern);
      assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
      assert.ok(!existsSync(root));
    });
  }
});
