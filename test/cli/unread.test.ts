/**
 * Messages never block the work: those of servers, appenders and followers may go to a full pipe, a full disk, a
 * stopped terminal, or a pipe without a reader.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { freePort } from "../docs/free-port.ts";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { executable, PROJECT, RUNTIMES, type Runtime, scriptArguments } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until, within } from "../fixture/until.ts";
import { NO_TERMINALS, Terminals } from "./terminal.ts";

/** Where the messages go. A pipe of `spawn` is a socket; a pipe of a shell is not. */
const OUTPUTS = ["pipe", "socket", "device", "gone"] as const;
type Output = (typeof OUTPUTS)[number];

const NAMES: Readonly<Record<Output, string>> = {
  pipe: "a pipe that is not read",
  socket: "a socket that is not read",
  device: "a full disk",
  gone: "a pipe whose reader has gone",
};

const NO_DEVICE: string | false = existsSync("/dev/full") ? false : "there is no /dev/full";

/** A log line about it has 3 KB, so a few dozen appends fill every pipe and the buffer behind it. */
const LONG_PATH: string = Array.from({ length: 4 }, () => "%20".repeat(250)).join("/");
const APPENDS = 45;

let folder: string;
let pipes = 0;
const children: ChildProcess[] = [];

before(async () => {
  folder = await temporaryFolder("unread");
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await removeFolder(folder);
});

/** A named pipe, and a descriptor that keeps it open and can read it. */
function pipe(): { readonly file: string; readonly ours: number } {
  const file = join(folder, `pipe-${++pipes}`);
  assert.equal(spawnSync("mkfifo", [file]).status, 0);
  return { file, ours: openSync(file, constants.O_RDWR | constants.O_NONBLOCK) };
}

/** Fills a pipe completely. */
function fill(fd: number): void {
  try {
    for (;;) writeSync(fd, "x".repeat(512));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
  }
}

/** Runs a command whose descriptor `at` goes to an output that blocks or fails. The result can read a pipe later. */
async function launch(runtime: Runtime, args: readonly string[], at: 1 | 2, output: Output, filled: boolean) {
  const { file, ours } = pipe();
  if (filled && output === "pipe") fill(ours);
  const target = output === "socket" ? "pipe" : openSync(output === "device" ? "/dev/full" : file, constants.O_WRONLY);
  if (output === "gone") closeSync(ours);
  const stdio: (number | "pipe" | "ignore")[] = ["pipe", at === 1 ? target : "pipe", at === 2 ? target : "pipe"];
  const line = [...scriptArguments(runtime, "mod.ts"), ...args];
  const child = spawn(await executable(runtime), line, { cwd: PROJECT, stdio });
  children.push(child);
  if (typeof target === "number") closeSync(target);
  const printed: Buffer[] = [];
  const data = at === 1 ? child.stderr : child.stdout;
  data?.on("data", (chunk: Buffer) => printed.push(chunk));
  const exited = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  /** Starts to read the pipe. */
  const read = (): { text(): string; stop(): void } => {
    const reader = new Socket({ fd: ours, readable: true, writable: false });
    let text = "";
    reader.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    return { text: () => text, stop: () => reader.destroy() };
  };
  return { child, exited, read, printed: () => Buffer.concat(printed) };
}

/** Appends often enough to fill the output of the log. */
async function flood(url: string, appends = APPENDS): Promise<void> {
  for (let count = 1; count <= appends; count++) {
    const response = await fetch(`${url}/${LONG_PATH}?verb=APPEND`, { method: "PUT", body: "x" });
    assert.equal(response.status, 200);
    assert.equal(Number(response.headers.get("Stream-Next-Offset")), count);
  }
}

async function isUp(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}

for (const runtime of RUNTIMES) {
  describe(`a server on ${runtime}`, () => {
    for (const output of OUTPUTS) {
      const skip = output === "device" && NO_DEVICE;
      it(`serves and shuts down cleanly with its log going to ${NAMES[output]}`, { skip }, async () => {
        const url = `http://127.0.0.1:${await freePort()}`;
        const args = ["serve", "--root", join(folder, `${runtime}-${output}`), "--http", url.slice("http://".length)];
        const server = await launch(runtime, args, 1, output, false);
        await until("the server to listen", () => isUp(url));
        await flood(url, output === "pipe" || output === "socket" ? APPENDS : 3);
        if (output === "pipe") {
          const log = server.read();
          await until("word of what was dropped", () => / WRN \d+ messages were dropped/.test(log.text()));
          await append(`${url}/after.txt`, "x");
          await until("the log to go on", () =>
            /messages were dropped[\s\S]*append ends: \/after\.txt/.test(log.text()),
          );
          assert.match(log.text(), /^httpfstream /, "what was said first is kept");
          for (const line of log.text().trimEnd().split("\n").slice(2)) assert.match(line, /^\d{4}-\S+ /);
          log.stop();
        }
        server.child.kill("SIGTERM");
        assert.deepEqual(await within(server.exited, "the server to end"), { code: 0, signal: null });
      });
    }

    it("serves while its terminal is stopped", { skip: NO_TERMINALS }, async () => {
      const terminals = new Terminals(folder);
      try {
        const url = `http://127.0.0.1:${await freePort()}`;
        const root = join(folder, `${runtime}-terminal`);
        const terminal = await terminals.open("server");
        await terminal.line(
          await shellLine(runtime, ["serve", "--root", root, "--http", url.slice("http://".length)], "quit with $?"),
        );
        await terminal.shows(/, serving /);
        await terminal.press("C-s");
        await flood(url);
        assert.equal((await append(`${url}/still.txt`, "12345")).offset, 5);
        await terminal.press("C-q");
        await terminal.shows(/messages were dropped/);
        await append(`${url}/again.txt`, "x");
        await terminal.shows(/append ends: \/again\.txt/);
        await terminal.press("C-c");
        await terminal.shows(/quit with 0$/m);
      } finally {
        await terminals.close();
      }
    });
  });

  describe(`append and follow on ${runtime}`, () => {
    const BYTES = randomBytes(3_000_000, 7);
    let server: TestServer;
    let source: string;

    before(async () => {
      source = join(folder, "source");
      await writeFile(source, BYTES);
      server = await startStandalone("bun");
    });
    after(() => server.stop());

    for (const output of OUTPUTS) {
      const skip = output === "device" && NO_DEVICE;
      it(`lose nothing with their messages going to ${NAMES[output]}`, { skip }, async () => {
        const url = `${server.url}/${output}.bin`;
        const up = await launch(runtime, ["append", "-v", url, source], 2, output, true);
        assert.deepEqual(await within(up.exited, "append to end"), { code: 0, signal: null });
        assert.equal(sha256(await readFile(join(server.root, `${output}.bin`))), sha256(BYTES));
        // The rest does not depend on the output.
        if (output !== "pipe") return;
        const down = await launch(runtime, ["follow", "-v", url], 2, output, true);
        assert.deepEqual(await within(down.exited, "follow to end"), { code: 0, signal: null });
        assert.equal(sha256(down.printed()), sha256(BYTES));
        const refused = await launch(runtime, ["follow", `${server.url}/never`], 2, output, true);
        assert.deepEqual(await within(refused.exited, "follow to be refused"), { code: 1, signal: null });
        const wrong = await launch(runtime, ["follow", "--no-such-option"], 2, output, true);
        assert.deepEqual(await within(wrong.exited, "a wrong option to be refused"), { code: 2, signal: null });
      });
    }

    it("continue while their terminal is stopped", { skip: NO_TERMINALS }, async () => {
      const terminals = new Terminals(folder);
      try {
        const url = `${server.url}/terminal.bin`;
        const { file, ours } = pipe();
        const terminal = await terminals.open("append");
        const exitCode = join(folder, `${runtime}-exit`);
        await terminal.line(
          `cat '${file}' | ${await shellLine(runtime, ["append", "-v", url])}; echo $? > '${exitCode}'`,
        );
        const writer = new Socket({ fd: ours, readable: false, writable: true });
        writer.write("first\n");
        await terminal.shows(/appending standard input/);
        await terminal.press("C-s");
        writer.end(BYTES);
        await until("append to end", () => existsSync(exitCode));
        assert.equal(await readFile(exitCode, "utf8"), "0\n");
        assert.equal((await stat(join(server.root, "terminal.bin"))).size, BYTES.length + 6);
      } finally {
        await terminals.close();
      }
    });
  });
}

/** The shell command for these arguments, followed by an `echo` of the epilogue, in which `$?` is the exit code. */
async function shellLine(runtime: Runtime, args: readonly string[], epilogue?: string): Promise<string> {
  const line = [await executable(runtime), ...scriptArguments(runtime, join(PROJECT, "mod.ts")), ...args];
  const quoted = line.map((arg) => `'${arg}'`).join(" ");
  return epilogue === undefined ? quoted : `${quoted}; echo "${epilogue}"`;
}
