/** The commands while the server or they themselves are killed and restarted, on every runtime. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openAppend } from "../../src/client/mod.ts";
import { command, start } from "../cli/commands.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { cutOnce, heal } from "./cut.ts";

const SIZE = 10_000_000;
const BYTES: Buffer = randomBytes(SIZE, 21);

for (const runtime of RUNTIMES) {
  describe(`append and follow on ${runtime}`, () => {
    let rig: Rig;
    let folder: string;

    before(async () => {
      rig = await Rig.on(runtime);
      folder = await temporaryFolder("cli-reconnect");
      await writeFile(join(folder, "source"), BYTES);
    });
    after(async () => {
      await rig.stop();
      await removeFolder(folder);
    });

    it("continue where they were after a kill -9 of the server, and say so", async () => {
      const url = rig.url("restarted");
      const appender = await start(runtime, ["append", "-v", url]);
      await appender.write(BYTES.subarray(0, 1_000_000));
      await appender.printed(/appending standard input to http/);
      const follower = await start(runtime, ["follow", "-v", url]);
      await follower.stdout.atLeast(1_000_000);
      await rig.restart("kill -9");
      void appender.write(BYTES.subarray(1_000_000)).then(() => appender.endInput());
      // A follower that reconnects after the end would not learn how the append ended. This test does not need that.
      assert.deepEqual([(await appender.end()).code, (await follower.end()).code], [0, 0], appender.output);
      assert.equal(sha256(await rig.stored("restarted")), sha256(BYTES));
      assert.equal(sha256(follower.stdout.bytes()), sha256(BYTES));
      assert.match(
        String(appender.stderr.bytes()),
        /^connecting to .*\nappending standard input to .*\n.* Trying again in .* s, attempt 1\.\n(.*\n)*connecting to .*\nresuming standard input to .*, at offset \d+\ndone: appended 10000000 bytes to .*\n$/,
      );
      assert.match(
        String(follower.stderr.bytes()),
        /^connecting to .*\nfollowing .*\n.* Trying again in .*\n(.*\n)*.*, from offset \d+\ndone: 10000000 bytes from .*\n$/,
      );
    });

    it("append --resume-file continues after it was killed with kill -9", async () => {
      const url = rig.url("resumed");
      const file = join(folder, "resume");
      const line = ["append", "-v", "--resume-file", file, url, join(folder, "source")];
      cutOnce(rig.proxy, 3_000_000);
      const storedSize = async (): Promise<number> => (await stat(join(rig.root, "resumed"))).size;
      // A cut drops what is in the buffers, which on a busy machine may be everything.
      rig.proxy.spent = (cut) => void until("some of it to be stored", async () => (await storedSize()) > 0).then(cut);
      const killed = await start(runtime, line);
      await killed.printed(/Trying again/);
      await killed.stop("SIGKILL");
      const size = await storedSize();
      assert.ok(size > 0 && size < SIZE, `${size} bytes are there`);
      const { session, generation, ...rest } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      assert.deepEqual([typeof session, typeof generation], ["string", "string"]);
      assert.deepEqual(rest, { url, start: 0 });
      assert.equal((await stat(file)).mode & 0o777, 0o600);

      heal(rig.proxy);
      const again = await command(line, { runtime });
      assert.equal(again.exit.code, 0, again.output);
      assert.equal(sha256(await rig.stored("resumed")), sha256(BYTES));
      const [, offset, sent] =
        /\nresuming .*, at offset (\d+)\ndone: appended (\d+) bytes to /.exec(again.output) ?? [];
      assert.equal(Number(offset) + Number(sent), SIZE, again.output);
      assert.ok(Number(offset) >= size, "what the server has is not sent again");
      assert.ok(!existsSync(file), "it is done with");
    });

    it("follow --output continues after it was killed with kill -9", async () => {
      const url = rig.url("followed");
      const file = join(folder, "copy");
      const writer = (await openAppend(url)).getWriter();
      await writer.write(BYTES.subarray(0, 3_000_000));
      const killed = await start(runtime, ["follow", "--output", file, url]);
      await until("some bytes in the file", () => existsSync(file));
      await killed.stop("SIGKILL");
      await writer.write(BYTES.subarray(3_000_000, 6_000_000));
      const again = await start(runtime, ["follow", "--output", file, url]);
      await until("what is there", async () => (await stat(file)).size === 6_000_000);
      await writer.write(BYTES.subarray(6_000_000));
      await writer.close();
      assert.deepEqual([(await again.end()).code, again.output], [0, ""]);
      assert.equal(sha256(await readFile(file)), sha256(BYTES));
    });
  });
}
