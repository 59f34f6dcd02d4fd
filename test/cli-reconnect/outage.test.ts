/** An outage is reported once when it begins and once when it is over, even without `--verbose`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { start } from "../cli/commands.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { RUNTIMES } from "../fixture/processes.ts";

for (const runtime of RUNTIMES) {
  describe(`an outage, on ${runtime}`, () => {
    let rig: Rig;

    before(async () => {
      rig = await Rig.on("bun");
    });
    after(() => rig.stop());

    it("has one line when it begins and one when it is over, and there is no other output", async () => {
      const url = rig.url("log");
      const appender = await start(runtime, ["append", url]);
      await appender.write("one\n");
      await rig.server.program.printed(/append begins/);
      const follower = await start(runtime, ["follow", url]);
      await follower.stdout.atLeast(4);
      assert.equal(`${appender.stderr.bytes()}${follower.stderr.bytes()}`, "");
      await rig.restart("SIGTERM");
      await appender.printed(/^Connected to /m);
      await follower.printed(/^Connected to /m);
      await appender.write("two\n");
      await follower.stdout.atLeast(8);
      appender.endInput();
      assert.equal((await appender.end()).code, 0);
      assert.equal((await follower.end()).code, 0);
      assert.equal(String(follower.stdout.bytes()), "one\ntwo\n");
      for (const { stderr } of [appender, follower]) {
        const lines = new RegExp(
          `^[^\\n]+ Trying ${url} again for up to 120 s\\.\\nConnected to ${url} again, at offset 4\\.\\n$`,
        );
        assert.match(String(stderr.bytes()), lines);
      }
    });
  });
}
