/** A command that gives up says what is stored so far, and how to continue. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { command, start } from "../cli/commands.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

describe("a server that stays away", () => {
  let rig: Rig;
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("gave-up");
    rig = await Rig.on("bun");
  });
  after(async () => {
    await rig.stop();
    await removeFolder(folder);
  });

  it("makes a command give up with the number of stored bytes, and with how to continue", async () => {
    const url = rig.url("given-up");
    const resume = join(folder, "resume");
    const appender = await start("bun", ["append", "--retry-for", "1", "--resume-file", resume, url]);
    await appender.write("twelve bytes");
    const [loose, copy] = [rig.url("loose"), join(folder, "copy")];
    const plain = await start("bun", ["append", "--retry-for", "1", loose]);
    await plain.write("x");
    await until("both to be stored", async () => {
      const stored = await Promise.all(
        ["given-up", "loose"].map((name) => rig.stored(name).catch(() => Buffer.alloc(0))),
      );
      return stored.map(({ length }) => length).join() === "12,1";
    });
    const followers = [
      await start("bun", ["follow", "--retry-for", "1", url]),
      await start("bun", ["follow", "--retry-for", "1", "-o", copy, url]),
    ];
    await followers[0]?.stdout.atLeast(12);
    await until("the copy", () => readOr(copy) === "twelve bytes");
    rig.proxy.target = undefined;
    rig.proxy.cut();
    for (const program of [appender, plain, ...followers]) assert.equal((await program.end()).code, 1, program.output);
    const gaveUp = "Gave up after 1 s without progress\\.";
    assert.match(
      appender.output,
      new RegExp(
        `${gaveUp} 12 bytes of standard input are stored at ${url}, up to offset 12, .*same command again.*\\n$`,
      ),
    );
    assert.match(plain.output, new RegExp(`${gaveUp} 1 byte of standard input is stored at .* --resume-file .*\\n$`));
    assert.match(
      String(followers[0]?.stderr.bytes()),
      new RegExp(
        `${gaveUp} 12 bytes were written to standard output, up to offset 12\\. To continue, use --offset 12\\.\\n$`,
      ),
    );
    assert.match(
      String(followers[1]?.stderr.bytes()),
      new RegExp(`${gaveUp} 12 bytes were written to ${copy}\\. The same command continues after them\\.\\n$`),
    );
    rig.proxy.target = rig.server.url;
  });

  it("is not blamed for a standard input that is shorter than before", async () => {
    const url = rig.url("shorter");
    const open = await openAppend(url);
    await open.getWriter().write("twelve bytes");
    await until("it to arrive", () => open.offset === 12);
    const resume = join(folder, "shorter");
    writeFileSync(resume, JSON.stringify({ url, session: open.resumePoint?.session, start: 0 }));
    const shorter = await command(["append", "--resume-file", resume, url], { input: "twelve" });
    assert.equal(shorter.exit.code, 1);
    assert.match(
      shorter.output,
      /: The input ended 6 bytes before the end of what the server has of it\. .*same bytes/,
    );
    assert.doesNotMatch(shorter.output, /another program/);
    assert.equal(String(await rig.stored("shorter")), "twelve bytes");
  });
});

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
