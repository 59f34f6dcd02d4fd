/** Access tokens of the commands: from a file, standard input and the environment. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Gate } from "../client/gate.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { type Command, command, start } from "./commands.ts";

let server: TestServer;
let gate: Gate;
let folder: string;
let file: string;

before(async () => {
  server = await startStandalone("node", { args: ["--deletes", "all"] });
  gate = await Gate.start(server.url);
  folder = await temporaryFolder("tokens");
  file = join(folder, "token");
});
after(async () => {
  await gate.stop();
  await expectCleanStop(server);
  await removeFolder(folder);
});

/** Asserts how a command has ended, and that it has shown no token. */
function ended(program: Command, code: number, output: RegExp | string): void {
  assert.equal(program.child.exitCode, code, program.output);
  if (typeof output === "string") assert.equal(program.output, output);
  else assert.match(program.output, output);
  assert.doesNotMatch(program.output, /token-\d|s3cret/);
}

for (const runtime of RUNTIMES) {
  it(`a token file is read again when the token expires, on ${runtime}`, async () => {
    const url = `${gate.url}/${runtime}.log`;
    await writeFile(file, `${gate.token}\n`);
    const appender = await start(runtime, ["append", "-v", "--token-file", file, url]);
    await appender.write("one\n");
    await appender.printed(/appending standard input/);
    const follower = await start(runtime, ["follow", "--wait", "-v", "--token-file", file, url]);
    await follower.printed(/\nfollowing /);
    await follower.stdout.atLeast(4);
    await writeFile(file, " token-next \n");
    gate.expire("token-next");
    await appender.write("two\n");
    await follower.stdout.atLeast(8);
    appender.endInput();
    assert.equal((await appender.end()).code, 0, appender.output);
    assert.equal((await follower.end()).code, 0, follower.output);
    assert.equal(String(follower.stdout.bytes()), "one\ntwo\n");
    assert.doesNotMatch(appender.output + follower.output, /token-/);
  });
}

describe("a token", () => {
  it("comes from HTTPFSTREAM_TOKEN, unless other credentials are given", async () => {
    const env = { HTTPFSTREAM_TOKEN: ` ${gate.token}\n` };
    const url = `${gate.url}/env.log`;
    const appender = await start("bun", ["append", url], env);
    void appender.write("x");
    appender.endInput();
    await appender.end();
    ended(appender, 0, "");
    for (const [args, output] of [
      [["follow", url], /^x$/],
      [["stat", url], /^size: +1$/m],
      [["ls", gate.url], /env\.log/],
      [["follow", "-H", "Authorization: Basic eDp5", url], /unauthorized: The token/],
      [["follow", url.replace("//", "//me:pass@")], /unauthorized/],
      [["rm", url], /^$/],
    ] as const) {
      const program = await start("bun", args, env);
      await program.end();
      ended(program, output.source.includes("unauth") ? 1 : 0, output);
    }
    const wrong = await start("bun", ["follow", url], { HTTPFSTREAM_TOKEN: "s3cret two" });
    await wrong.end();
    ended(wrong, 1, /no valid token in HTTPFSTREAM_TOKEN: it has white space in the middle/);
  });

  it("that is missing is asked for by every command, with the option and the variable that take it", async () => {
    const url = `${gate.url}/without.log`;
    for (const args of [
      ["append", url],
      ["follow", url],
      ["stat", url],
      ["ls", gate.url],
      ["rm", url],
    ]) {
      const hint =
        /^httpfstream \w+: (\S+: )?unauthorized: [^\n]+\. Give a token with --token-file or HTTPFSTREAM_TOKEN\.\n$/;
      ended(await command(args, { input: "x" }), 1, hint);
    }
  });

  it("comes from standard input, unless that is the source", async () => {
    const url = `${gate.url}/stdin.log`;
    const data = join(folder, "data");
    await writeFile(data, "from a file");
    ended(await command(["append", "--token-file", "-", url, data], { input: `${gate.token}\n` }), 0, "");
    ended(await command(["follow", "--token-file", "-", url], { input: gate.token }), 0, "from a file");
    ended(
      await command(["append", "--token-file", "-", url], { input: gate.token }),
      2,
      /Standard input can't be both/,
    );
    ended(await command(["follow", "--token-file", "-", url], { input: "" }), 1, /no token in standard input/);
    ended(await command(["stat", "--token-file", "-", url], { input: gate.token }), 0, /^size: +11$/m);
  });

  it("that is missing, empty or wrong is reported in one line, before anything is sent", async () => {
    const url = `${gate.url}/none.log`;
    const seen = gate.seen.length;
    await rm(file, { force: true });
    const use = ["--token-file", file, url];
    ended(await command(["append", ...use]), 1, /^httpfstream append: Can't read the token file .*: no such file\.\n$/);
    await writeFile(file, " \n");
    ended(await command(["follow", ...use]), 1, /^httpfstream follow: There is no token in .*: it is empty\.\n$/);
    await writeFile(file, "s3cret\ntwo\n");
    ended(await command(["rm", ...use]), 1, /white space in the middle\.\n$/);
    ended(
      await command(["append", "-H", "authorization: x", ...use]),
      2,
      /--token-file or an Authorization header, not/,
    );
    ended(await command(["append", "--token-file", "", url]), 2, /It is empty/);
    ended(await command(["append", "--token-file", folder, url]), 1, /it is a folder/);
    assert.equal(gate.seen.length, seen);
    await writeFile(file, "s3cret");
    ended(await command(["append", ...use]), 1, /^httpfstream append: unauthorized: [^\n]+\n$/);
  });
});
