/**
 * `append` and `follow` between pipes and files, on every runtime.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { executable, RUNTIMES, run, scriptArguments } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until, within } from "../fixture/until.ts";
import { command, start, startProgram } from "./commands.ts";

const MEGABYTES: Buffer = randomBytes(10_000_000, 11);

for (const runtime of RUNTIMES) {
  describe(`append and follow on ${runtime}`, () => {
    let server: TestServer;
    let folder: string;

    before(async () => {
      folder = await temporaryFolder("pipes");
      server = await startStandalone("node");
    });
    after(async () => {
      await expectCleanStop(server);
      await removeFolder(folder);
    });

    it("10 MB of random bytes pass from pipe to pipe, live", async () => {
      const url = `${server.url}/live.bin`;
      const appender = await start(runtime, ["append", url]);
      await appender.write(MEGABYTES.subarray(0, 1));
      await server.program.printed(/append begins: \/live\.bin/);
      const follower = await start(runtime, ["follow", url]);
      await follower.stdout.atLeast(1);
      void appender.write(MEGABYTES.subarray(1)).then(() => appender.endInput());
      const ends = [await appender.end(), await follower.end()];
      assert.deepEqual(
        ends.map(({ code }) => code),
        [0, 0],
        appender.output.slice(-200),
      );
      assert.equal(sha256(follower.stdout.bytes()), sha256(MEGABYTES));
      assert.equal(sha256(await readFile(join(server.root, "live.bin"))), sha256(MEGABYTES));
      assert.equal(String(follower.stderr.bytes()) + appender.output, "", "no output beside the bytes without -v");
    });

    it("a file is appended, and followed again from any offset", async () => {
      const url = `${server.url}/stored.bin`;
      const file = join(folder, "file");
      await writeFile(file, MEGABYTES);
      const up = await command(["append", "-v", url, file], { runtime });
      assert.equal(up.exit.code, 0, up.output);
      assert.match(
        String(up.stderr.bytes()),
        /^connecting to http.*\nappending .*\/file to http.*\ndone: appended 10000000 bytes to http.*\n$/,
      );
      const down = await command(["follow", "-v", url], { runtime });
      assert.equal(down.exit.code, 0);
      assert.equal(sha256(down.stdout.bytes()), sha256(MEGABYTES));
      assert.match(String(down.stderr.bytes()), /^connecting to .*\nno appender; .*\ndone: 10000000 bytes from .*\n$/);
      const tail = await command(["follow", "--tail", "100", url], { runtime });
      assert.ok(tail.stdout.bytes().equals(MEGABYTES.subarray(-100)));
      const rest = await command(["follow", "--offset=9999000", "--transport=http", url], { runtime });
      assert.ok(rest.stdout.bytes().equals(MEGABYTES.subarray(9_999_000)));
      const saved = join(folder, "saved");
      const quiet = await command(["follow", "-o", saved, url], { runtime });
      assert.deepEqual([quiet.exit.code, quiet.output], [0, ""]);
      assert.equal(sha256(await readFile(saved)), sha256(MEGABYTES));
    });

    it("every line is passed on as it arrives", async () => {
      const url = `${server.url}/lines.txt`;
      const follower = await start(runtime, ["follow", "--wait", "-v", url]);
      await follower.printed(/waiting: "\/lines\.txt" does not exist\./);
      const appender = await start(runtime, ["append", url]);
      let seen = 0;
      for (const line of ["one\n", "no line end", "\n", "ünïcödé\n"]) {
        seen += Buffer.byteLength(line);
        await appender.write(line);
        await follower.stdout.atLeast(seen);
      }
      appender.endInput();
      assert.equal((await appender.end()).code, 0);
      assert.equal((await follower.end()).code, 0);
      assert.equal(String(follower.stdout.bytes()), "one\nno line end\nünïcödé\n");
    });

    it("refusals are one line on standard error, and exit code 1", async () => {
      const writer = await openAppend(`${server.url}/taken.txt`);
      const cases: [string[], RegExp][] = [
        [
          ["append", `${server.url}/taken.txt`],
          /^httpfstream append: conflict: "\/taken\.txt" already has an appender\. .* To wait, use --wait\./,
        ],
        [
          ["append", "http://127.0.0.1:1/a"],
          /^httpfstream append: unreachable: No server answers at 127\.0\.0\.1:1\. Check the address\. To wait, use --wait\./,
        ],
        [
          ["append", `${server.url}/a`, "/no/such/file"],
          /^httpfstream append: Can't read \/no\/such\/file: no such file\./,
        ],
        [["append", `${server.url}/a`, "/tmp"], /^httpfstream append: Can't read \/tmp: it is a folder\./],
        [["follow", `${server.url}/never`], /^httpfstream follow: not found: "\/never" does not exist\./],
        [
          ["follow", "http://127.0.0.1:1/a"],
          /^httpfstream follow: unreachable: No server answers at 127\.0\.0\.1:1\. Check the address\. To wait, use --wait\./,
        ],
        [
          ["follow", "--offset", "5", `${server.url}/taken.txt`],
          /^httpfstream follow: range: The offset 5 is past the end/,
        ],
        [
          ["follow", "-o", "/no/such/folder/x", `${server.url}/lines.txt`],
          /^httpfstream follow: Can't write to \/no\/such\/folder\/x: /,
        ],
      ];
      // Node with a compiler starts slowest, and refusals do not depend on the runtime.
      for (const [args, pattern] of runtime === "node" ? cases.slice(0, 3) : cases) {
        const refused = await command(args, { runtime });
        assert.equal(refused.exit.code, 1, `${args.join(" ")}: ${refused.output}`);
        assert.match(String(refused.stderr.bytes()), pattern);
        assert.match(String(refused.stderr.bytes()), /^[^\n]+\n$/);
        assert.equal(refused.stdout.length, 0);
      }
      await writer.close();
    });

    it("a full disk is a failure", { skip: existsSync("/dev/full") ? false : "there is no /dev/full" }, async () => {
      const follow = [...scriptArguments(runtime, "mod.ts"), "follow", `${server.url}/stored.bin`];
      const shell = await run("bash", ["-c", '"$@" > /dev/full', "bash", await executable(runtime), ...follow]);
      assert.equal(shell.exit.code, 1, shell.output);
      assert.equal(
        String(shell.stderr.bytes()),
        "httpfstream follow: Can't write to standard output: the disk is full.\n",
      );
    });

    it("a disk that takes a part of the last bytes is a failure", async () => {
      const folder = await temporaryFolder("short-write");
      const file = join(folder, "out.bin");
      await append(`${server.url}/short.bin`, Buffer.alloc(10_000, "x"));
      const follow = [...scriptArguments(runtime, "mod.ts"), "follow", `${server.url}/short.bin`];
      // The size of files is limited, in blocks of 1,024 bytes, in place of the disk.
      const line = `trap "" XFSZ; ulimit -f 8; exec "$@" > "$0"`;
      const shell = await run("bash", ["-c", line, file, await executable(runtime), ...follow]);
      assert.equal(shell.exit.code, 1, shell.output);
      assert.match(String(shell.stderr.bytes()), /^httpfstream follow: Can't write to standard output: /);
      assert.equal((await stat(file)).size, 8_192);
      await removeFolder(folder);
    });

    it("follow ends quietly when head has enough", async () => {
      const url = `${server.url}/endless.txt`;
      const writer = (await openAppend(url)).getWriter();
      const follow = [...scriptArguments(runtime, "mod.ts"), "follow", url];
      const line = '"$@" | head -n 1; echo "$PIPESTATUS"';
      const shell = spawn("bash", ["-c", line, "bash", await executable(runtime), ...follow], { cwd: process.cwd() });
      const printed: Buffer[] = [];
      for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (chunk: Buffer) => printed.push(chunk));
      let over = false;
      const closed = once(shell, "close").finally(() => {
        over = true;
      });
      await until("the pipe to end", async () => {
        await writer.write("a line\n");
        return over;
      });
      await closed;
      await writer.close();
      assert.equal(String(Buffer.concat(printed)), "a line\n0\n");
    });

    it("Ctrl-C in append sends what was read, and ends the followers", async () => {
      const url = `${server.url}/interrupted.txt`;
      const appender = await start(runtime, ["append", "-v", url]);
      await appender.write("typed ");
      await server.program.printed(/append begins: \/interrupted\.txt/);
      const follower = await start(runtime, ["follow", url]);
      await appender.write("lines\n");
      await follower.stdout.atLeast(12);
      assert.deepEqual(await appender.stop("SIGINT"), { code: 130, signal: null });
      assert.match(String(appender.stderr.bytes()), /\ninterrupted: appended 12 bytes to /);
      assert.equal((await follower.end()).code, 0);
      assert.equal(String(follower.stdout.bytes()), "typed lines\n");
      await server.program.printed(/append ends: \/interrupted\.txt, 12 bytes in \S+ s, complete/);
    });

    it("Ctrl-C in follow ends it with 130", async () => {
      const url = `${server.url}/watched.txt`;
      const writer = (await openAppend(url)).getWriter();
      await writer.write("x");
      const follower = await start(runtime, ["follow", url]);
      await follower.stdout.atLeast(1);
      assert.deepEqual(await follower.stop("SIGINT"), { code: 130, signal: null });
      assert.equal(String(follower.stderr.bytes()), "");
      const waiting = await start(runtime, ["follow", "--wait", "-v", `${server.url}/never`]);
      await waiting.printed(/waiting/);
      assert.deepEqual(await waiting.stop("SIGTERM"), { code: 143, signal: null });
      await writer.close();
    });
  });
}

describe("append and follow under the original's names", () => {
  let server: TestServer;

  before(async () => {
    server = await startStandalone("node");
  });
  after(() => expectCleanStop(server));

  it("the session of the original's readme, between pipes", async () => {
    const url = `${server.url}/foo.txt`;
    const follower = await startProgram("httpfstream-follow", ["-v", url]);
    await follower.printed(/waiting/);
    const appender = await startProgram("httpfstream-append", ["-v", url]);
    for (const line of ["foo\n", "bar\n", "baz\n"]) await appender.write(line);
    await follower.stdout.atLeast(12);
    assert.deepEqual(await appender.stop("SIGINT"), { code: 130, signal: null });
    assert.deepEqual(await within(follower.exited, "the follower to quit"), { code: 0, signal: null });
    assert.equal(String(follower.stdout.bytes()), "foo\nbar\nbaz\n");
  });

  it("without -v, a path that does not exist is reported as not found", async () => {
    const follower = await startProgram("httpfstream-follow", [`${server.url}/never.txt`]);
    assert.deepEqual(await follower.end(), { code: 1, signal: null });
    assert.match(String(follower.stderr.bytes()), /^httpfstream-follow: not found: /);
  });
});
