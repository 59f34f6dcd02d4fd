/** `follow --stay`, on every runtime. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { start } from "../cli/commands.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

describe("follow --stay", { concurrency: 2 }, () => {
  let server: TestServer;
  let folder: string;
  before(async () => {
    server = await startStandalone("node");
    folder = await temporaryFolder("stay");
  });
  after(async () => {
    await server.stop();
    await removeFolder(folder);
  });

  for (const runtime of RUNTIMES) {
    it(`on ${runtime} waits for a path and for every next append, says so, and fails when it is deleted`, async () => {
      const path = `${runtime}/app.log`;
      const url = `${server.url}/${path}`;
      const follower = await start(runtime, ["follow", "-v", "--stay", url]);
      await follower.printed(/waiting for an append to http\S+ at offset 0\n/);
      await append(url, "one\n");
      await follower.printed(/at offset 4; the last append: complete\n/);
      await append(url, "two\n");
      await follower.printed(/at offset 8; the last append: complete\n/);
      await rm(join(server.root, path));
      assert.equal((await follower.end()).code, 1, follower.output);
      assert.equal(String(follower.stdout.bytes()), "one\ntwo\n");
      assert.match(
        String(follower.stderr.bytes()),
        /^connecting to .*\nfollowing .*\nwaiting for .* at offset 0\nfollowing .*, from offset 0\nwaiting .* at offset 4; .*\nfollowing .*, from offset 4\nwaiting .* at offset 8; .*\n.*deleted: .*\n$/,
      );
    });
  }

  it("with --output writes every append to the file; Ctrl-C ends it with 130, and it continues there", async () => {
    const url = `${server.url}/output.log`;
    const file = join(folder, "copy");
    for (const [index, text] of ["one ", "two "].entries()) {
      const whole = "one two ".slice(0, 4 * (index + 1));
      const follower = await start("node", ["follow", "--stay", "--output", file, url]);
      await append(url, text);
      await until("the bytes in the file", async () => (await readFile(file, "utf8").catch(() => "")) === whole);
      assert.equal((await follower.stop("SIGINT")).code, 130, follower.output);
    }
  });

  it("names the option for a parameter in the URL", async () => {
    const follower = await start("bun", ["follow", `${server.url}/a.log?stay=1`]);
    assert.equal((await follower.end()).code, 2);
    assert.match(follower.output, /use --stay/);
  });
});
