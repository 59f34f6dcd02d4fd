/** Standard streams that can't carry data are a failure, not an empty append or a follow without output. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { executable, RUNTIMES, run, scriptArguments } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";

const skip =
  existsSync("/proc/self/fdinfo") && existsSync("/dev/full") ? false : "this system has no /proc or /dev/full";

let server: TestServer;

before(async () => {
  server = await startStandalone("node");
  await append(`${server.url}/stored`, "bytes\n");
});
after(() => expectCleanStop(server));

for (const runtime of RUNTIMES) {
  describe(`standard streams on ${runtime}`, { skip }, () => {
    /** Runs a command with a shell redirection. */
    async function redirected(args: string[], redirection: string): ReturnType<typeof run> {
      const line = [...scriptArguments(runtime, "mod.ts"), ...args];
      return run("bash", ["-c", `"$@" ${redirection}`, "bash", await executable(runtime), ...line], "");
    }

    it("append refuses an input that is a folder or open for writing only, before it claims the path", async () => {
      const written = join(server.root, "written");
      writeFileSync(written, "");
      for (const [redirection, why] of [
        ["< /tmp", "it is a folder"],
        [`0> ${written}`, "it is open for writing only"],
      ] as const) {
        const { exit, output } = await redirected(["append", `${server.url}/${runtime}`], redirection);
        assert.equal(exit.code, 1, output);
        assert.match(output, new RegExp(`^httpfstream append: Can't read standard input: ${why}\\.`));
      }
      assert.ok(!existsSync(join(server.root, runtime)));
    });

    it("follow refuses an output that is open for reading only, but not /dev/null", async () => {
      const line = ["follow", `${server.url}/stored`];
      const { exit, output } = await redirected(line, "1< mod.ts");
      assert.equal(exit.code, 1, output);
      assert.match(output, /^httpfstream follow: Can't write to standard output: it is open for reading only\./);
      // Programs that discard the output of a child process open /dev/null for reading and writing.
      for (const none of ["> /dev/null", "1<> /dev/null"]) {
        assert.deepEqual((await redirected(line, none)).exit, { code: 0, signal: null }, none);
      }
    });

    it("a version or a help text that can't be printed is a failure", async () => {
      for (const args of [["--version"], ["follow", "--help"], ["help", "append"]]) {
        const { exit, output } = await redirected(args, "> /dev/full");
        assert.equal(exit.code, 1, output);
        assert.match(output, /^httpfstream[a-z ]*: Can't write to standard output: the disk is full\.\n$/);
      }
    });
  });
}
