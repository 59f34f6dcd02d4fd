/** `append --wait`: waits until another appender has left the path. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathWaitMs } from "../../src/cli/append/path-wait.ts";
import { openAppend } from "../../src/client/mod.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { command, start } from "./commands.ts";

let server: TestServer;

before(async () => {
  server = await startStandalone("node");
});
after(() => expectCleanStop(server));

describe("append --wait", () => {
  for (const runtime of RUNTIMES) {
    it(`appends once the other appender has ended, and reads no input before, on ${runtime}`, async () => {
      const url = `${server.url}/${runtime}.log`;
      const writer = (await openAppend(url)).getWriter();
      await writer.write("first, ");
      const waiting = await start(runtime, ["append", "-v", "--wait", url]);
      await waiting.write("second");
      waiting.endInput();
      await waiting.printed(/has another appender; waiting until it ends\n/);
      assert.doesNotMatch(waiting.output, /appending standard input/);
      await writer.close();
      assert.equal((await waiting.end()).code, 0, waiting.output);
      assert.equal(await readFile(join(server.root, `${runtime}.log`), "utf8"), "first, second");
    });
  }

  it("gives up after --wait-for, and ends at an interrupt", async () => {
    const url = `${server.url}/held.log`;
    const writer = (await openAppend(url)).getWriter();
    const brief = await command(["append", "--wait-for", "1s", url], { input: "x" });
    assert.equal(brief.exit.code, 1);
    assert.match(brief.output, /^httpfstream append: conflict: .* Gave up after waiting 1 s\.\n$/);
    const interrupted = await start("bun", ["append", "-v", "--wait", url]);
    await interrupted.printed(/waiting until it ends/);
    interrupted.child.kill("SIGINT");
    assert.equal((await interrupted.end()).code, 130, interrupted.output);
    assert.match(interrupted.output, /interrupted: .*held\.log still has another appender\./);
    const wrong = await command(["append", "--wait-for", "soon", url]);
    assert.equal(wrong.exit.code, 2);
    await writer.close();
    assert.equal(await readFile(join(server.root, "held.log"), "utf8"), "");
  });

  it("waits as long as the server asks, or up to 5 s, and partly at random", () => {
    assert.deepEqual(
      [1, 2, 99].map((tries) => pathWaitMs(tries, undefined, 0)),
      [250, 375, 2500],
    );
    assert.equal(pathWaitMs(99, undefined, 1), 5000);
    assert.equal(pathWaitMs(1, "3", 0.5), 3500);
    assert.equal(pathWaitMs(1, "Wed, 21 Oct 2026 07:28:00 GMT", 1), 500);
  });
});
