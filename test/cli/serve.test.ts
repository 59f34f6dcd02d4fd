import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { VERSION } from "../../src/cli/common/version.ts";
import { append, follow } from "../../src/client/mod.ts";
import { RUNTIMES, run, scriptArguments } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { type Command, start, startProgram } from "./commands.ts";

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

const NO_ORDINARY_USER: string | false =
  process.getuid?.() !== 0 || spawnSync("setpriv", ["--version"]).status === 0
    ? false
    : "permissions do not bind root, and setpriv is not installed";

/** Waits for the server to print its URL, and returns the port. */
async function portOf(server: Command): Promise<number> {
  const [, port] = await server.printed(/at http:\/\/[^\s/]*:(\d+)\//);
  return Number(port);
}

describe("the standalone server", () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("serve");
  });
  after(() => removeFolder(folder));

  for (const runtime of RUNTIMES) {
    it(`prints its version, root and URL, and shuts down cleanly, on ${runtime}`, async () => {
      const root = join(folder, runtime, "made");
      const server = await start(runtime, ["serve", "--root", root, "--http", "127.0.0.1:0"]);
      const port = await portOf(server);
      const version = `httpfstream ${VERSION.replaceAll(".", "\\.")} on ${runtime} \\d+\\.\\d+\\.\\d+`;
      const banner = new RegExp(`^${version}, serving ${root} at http://127\\.0\\.0\\.1:${port}/\n`);
      assert.match(String(server.stdout.bytes()), banner);
      await append(`http://localhost:${port}/a b/{c}.log`, "12345");
      await server.printed(/append begins: \/a%20b\/%7Bc%7D\.log at 0, websocket from \S+ id=\S+\n/);
      await server.printed(/append ends: \/a%20b\/%7Bc%7D\.log, 5 bytes in \d+\.\d{3} s, complete id=\S+\n/);
      assert.equal(await readFile(join(root, "a b", "{c}.log"), "utf8"), "12345");
      assert.deepEqual(await server.stop("SIGTERM"), { code: 0, signal: null });
      assert.equal(String(server.stderr.bytes()), "");
    });

    it(`listens on all interfaces if no host is given, on ${runtime}`, async () => {
      const server = await start(runtime, ["serve", "--root", join(folder, runtime), "--http", ":0"]);
      const port = await portOf(server);
      const hosts = ["127.0.0.1", "localhost", ...(ipv6 ? ["[::1]"] : [])];
      for (const [at, host] of hosts.entries()) {
        assert.deepEqual(await append(`http://${host}:${port}/all.txt`, "x"), { bytes: 1, offset: at + 1 }, host);
      }
      await server.printed(/append begins: \/all\.txt at 0, websocket from 127\.0\.0\.1 id=\S+\n/);
      assert.deepEqual(await server.stop("SIGINT"), { code: 0, signal: null });
    });

    it(`shuts down cleanly when its terminal is closed, on ${runtime}`, async () => {
      const through = ["bash", "-c", 'script --quiet --return --command "$(printf "%q " "$@")" /dev/null', "bash"];
      const server = await startStandalone(runtime, { through });
      process.kill(await pidUnder(server.pid, "serve"), "SIGHUP");
      assert.equal((await within(server.program.exited, "the server to end")).code, 0);
      await removeFolder(server.root);
    });

    for (const [how, through] of Object.entries({
      "under nohup, from bash": ["bash", "-c", 'nohup "$@"', "bash"],
      "under nohup, from sh": ["sh", "-c", 'nohup "$@"', "sh"],
      "under nohup, in a session of its own": ["setsid", "--wait", "nohup"],
      "where it has no terminal": [],
    })) {
      it(`continues after SIGHUP ${how}, on ${runtime}`, async () => {
        const server = await startStandalone(runtime, { through });
        process.kill(await pidUnder(server.pid, "serve"), "SIGHUP");
        await append(`${server.url}/after.txt`, "x");
        process.kill(await pidUnder(server.pid, "serve"), "SIGTERM");
        assert.equal((await within(server.program.exited, "the server to end")).code, 0);
        await removeFolder(server.root);
      });
    }

    it(`says in one line why it can't start, on ${runtime}`, async () => {
      await writeFile(join(folder, "file"), "");
      const busy = createServer();
      await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
      const { port } = busy.address() as { port: number };
      const cases: [string[], RegExp][] = [
        [
          ["--http", `127.0.0.1:${port}`],
          /^httpfstream serve: Can't listen on 127\.0\.0\.1, port \d+: the port is already in use/,
        ],
        [["--http", "192.0.2.1:0"], /^httpfstream serve: Can't listen on 192\.0\.2\.1, port 0: /],
        [
          ["--root", join(folder, "file", "below")],
          /^httpfstream serve: path conflict: The root folder .* can't be used/,
        ],
        // Denied to all users, including root.
        ...(existsSync("/proc/self") ? (["/proc", "/proc/new/folder"] as const) : []).map(
          (root): [string[], RegExp] => [
            ["--root", root],
            /^httpfstream serve: .*The root folder \/proc.* can't be (used|written to): /,
          ],
        ),
      ];
      for (const [args, pattern] of cases) {
        const server = await start(runtime, [
          "serve",
          "--root",
          join(folder, "root"),
          "--http",
          "127.0.0.1:0",
          ...args,
        ]);
        assert.deepEqual(await server.end(), { code: 1, signal: null }, server.output);
        assert.match(String(server.stderr.bytes()), pattern);
        assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
        assert.equal(String(server.stdout.bytes()), "");
      }
      await new Promise((resolve) => busy.close(resolve));
    });
  }

  it("says in one line that its root can't be written to", { skip: NO_ORDINARY_USER }, async () => {
    const line = [...scriptArguments("node", "mod.ts"), "serve", "--root", "/usr", "--http", "127.0.0.1:0"];
    const server = await run(...asOrdinaryUser(process.execPath, line));
    assert.equal(server.exit.code, 1, server.output);
    const said = "httpfstream serve: The root folder /usr can't be written to: permission denied.\n";
    assert.equal(String(server.stderr.bytes()), said);
  });

  it("takes its options from the environment, and prefers those of the command line", async () => {
    const env = {
      HTTPFSTREAM_ROOT: join(folder, "env"),
      HTTPFSTREAM_HTTP: "127.0.0.1:1",
      HTTPFSTREAM_LOG_FORMAT: "json",
      HTTPFSTREAM_NO_LISTINGS: "1",
    };
    const server = await start("node", ["serve", "--http", "127.0.0.1:0"], env);
    const port = await portOf(server);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
    await append(`http://127.0.0.1:${port}/a.txt`, "12");
    for await (const _ of follow(`http://127.0.0.1:${port}/a.txt`));
    await server.printed(/append ends/);
    await server.printed(/follow ends/);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    const lines = String(server.stdout.bytes()).trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.match(String(records[0]?.["message"]), /^httpfstream .*, serving .*\/env at /);
    const end = records.find(({ type, phase }) => type === "append" && phase === "end");
    const { path, bytes, offset, reason, transport, level } = end ?? {};
    assert.deepEqual(
      { path, bytes, offset, reason, transport, level },
      { path: "/a.txt", bytes: 2, offset: 2, reason: "complete", transport: "websocket", level: "INFO" },
    );
    assert.equal(typeof end?.["durationMs"], "number");
    const followed = records.find(({ type, phase }) => type === "follow" && phase === "end");
    assert.deepEqual([followed?.["path"], followed?.["bytes"], followed?.["reason"]], ["/a.txt", 2, "complete"]);
  });

  it("logs no appends at a higher level, but still its own start", async () => {
    const server = await startStandalone("node", { args: ["--log-level", "warning"] });
    await append(`${server.url}/a`, "x");
    for await (const _ of follow(`${server.url}/a`));
    await server.stop();
    assert.match(String(server.program.stdout.bytes()), /^httpfstream [^\n]*\nEvery program [^\n]*\n$/);
  });

  it("takes its limits from --limit", async () => {
    const server = await startStandalone("node", { args: ["--limit", "windowBytes=77", "--limit", "messageBytes=5"] });
    const peer = await V1Peer.open(server.url, { target: "/a?verb=APPEND" });
    assert.equal((await peer.control("start")).window, 77);
    await peer.send("123456");
    assert.equal((await peer.closed()).code, 1009);
    await server.stop();
  });

  it("continues when the reader of its output is gone", async () => {
    const server = await start("node", ["serve", "--root", join(folder, "mute"), "--http", "127.0.0.1:0"]);
    const port = await portOf(server);
    server.child.stdout?.destroy();
    for (const text of ["1", "2", "3"]) await append(`http://127.0.0.1:${port}/a`, text);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  });

  it("accepts every form of a listen address", async () => {
    const cases: [string[], RegExp][] = [
      [["0"], /at http:\/\/127\.0\.0\.1:\d+\//],
      [["--port", "0"], /at http:\/\/127\.0\.0\.1:\d+\//],
      [["--http=0"], /at http:\/\/127\.0\.0\.1:\d+\//],
      [["-port=0"], /at http:\/\/127\.0\.0\.1:\d+\//],
      [[":0"], /at http:\/\/localhost:\d+\//],
      [["localhost:0"], /at http:\/\/localhost:\d+\//],
      ...(ipv6 ? [[["[::1]:0"], /at http:\/\/\[::1\]:\d+\//] as [string[], RegExp]] : []),
    ];
    for (const [place, banner] of cases) {
      const server = await start("bun", ["serve", "--root", join(folder, "typed"), ...place]);
      await server.printed(banner);
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
    }
    for (const wrong of [["x"], ["99999"], ["--port", "x"], ["--port", "-1"], ["1", "2"], ["0", "--port", "0"]]) {
      const server = await start("bun", ["serve", "--root", join(folder, "typed"), ...wrong]);
      assert.deepEqual(await server.end(), { code: 2, signal: null }, wrong.join(" "));
      assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
    }
  });

  it("accepts the flags of the original", async () => {
    const root = join(folder, "original");
    const server = await startProgram("httpfstream-server", [`-root=${root}`, "-http=127.0.0.1:0"]);
    const port = await portOf(server);
    await append(`http://127.0.0.1:${port}/foo.txt`, "x");
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.equal(await readFile(join(root, "foo.txt"), "utf8"), "x");
  });
});

/** The one process with this argument, among a process and its descendants: a shell in between may remain or not. */
async function pidUnder(pid: number, word: string): Promise<number> {
  const found = await pidsUnder(pid, word);
  assert.equal(found.length, 1, `processes under ${pid} that are called with ${word}: ${found}`);
  return found[0] as number;
}

async function pidsUnder(pid: number, word: string): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").filter(Boolean);
  const below = (await Promise.all(children.map((child) => pidsUnder(Number(child), word)))).flat();
  const called = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").includes(word);
  return below.length === 0 && called ? [pid] : below;
}

function asOrdinaryUser(program: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [program, [...args]];
  return ["setpriv", ["--reuid=65534", "--clear-groups", program, ...args]];
}
