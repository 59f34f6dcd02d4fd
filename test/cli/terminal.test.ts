/**
 * The commands in real terminals, under their installed names.
 */
import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { PROJECT, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { NO_TERMINALS, type Terminal, Terminals } from "./terminal.ts";

const NAMES = ["httpfstream", "httpfstream-server", "httpfstream-append", "httpfstream-follow"];

describe("in a terminal", { skip: NO_TERMINALS }, () => {
  let folder: string;
  let terminals: Terminals;
  let server: Terminal;
  let url: string;

  before(async () => {
    folder = await temporaryFolder("terminal");
    const programs = join(folder, "bin");
    await mkdir(programs);
    for (const name of NAMES) await install(programs, name);
    terminals = new Terminals(programs);
    const port = await freePort();
    url = `http://localhost:${port}`;
    server = await terminals.open("server");
    await server.line(`httpfstream-server -root=${folder}/root -http=:${port}`);
    await server.shows(/^httpfstream \S+ on node \S+, serving .*\/root at http:\/\/localhost:\d+\/$/m);
  });
  after(async () => {
    await terminals?.close();
    await removeFolder(folder);
  });

  it("the session of the original's readme", async () => {
    const follower = await terminals.open("follower");
    await follower.line(`httpfstream-follow -v ${url}/foo.txt; echo "quit with $?"`);
    await follower.shows(/^waiting: "\/foo.txt" does not exist\.$/m);
    const appender = await terminals.open("appender");
    await appender.line(`httpfstream-append -v ${url}/foo.txt; echo "quit with $?"`);
    await appender.shows(/^appending standard input to http/m);
    for (const line of ["foo", "bar", "baz"]) {
      await appender.line(line);
      await follower.shows(new RegExp(`^${line}$`, "m"));
    }
    await appender.press("C-c");
    await appender.shows(/interrupted: appended 12 bytes to http.*\nquit with 130\n\$$/);
    await follower.shows(/^foo\nbar\nbaz\ndone: 12 bytes from http.*\nquit with 0\n\$$/m);
    assert.equal(await readFile(join(folder, "root", "foo.txt"), "utf8"), "foo\nbar\nbaz\n");
    await server.shows(/append begins: \/foo\.txt at 0, websocket from [\s\S]*append ends: \/foo\.txt, 12 bytes/);
  });

  it("Ctrl-D completes an append", async () => {
    const terminal = await terminals.open("typing");
    await terminal.line(`httpfstream append ${url}/typed.txt; echo "quit with $?"`);
    await server.shows(/append begins: \/typed\.txt/);
    await terminal.line("a line");
    await terminal.press("C-d");
    await terminal.shows(/^a line\nquit with 0\n\$$/m);
    assert.equal(await readFile(join(folder, "root", "typed.txt"), "utf8"), "a line\n");
  });

  it("the progress of a file has a bar and a percentage, that of a pipe only a count", async () => {
    const bytes = randomBytes(5 * 1024 * 1024, 2);
    const file = join(folder, "file.bin");
    await writeFile(file, bytes);
    const terminal = await terminals.open("progress");
    await terminal.line(`httpfstream append -v ${url}/file.bin ${file}; echo "quit with $?"`);
    await terminal.shows(
      /^\[#{24}\] 100% \| 5\.0 MiB of 5\.0 MiB \| \S+ \S+\/s\ndone: appended 5242880 bytes to .*\nquit with 0\n\$$/m,
    );
    await terminal.line(`cat ${file} | httpfstream append -v ${url}/pipe.bin; echo "quit with $?"`);
    await terminal.shows(/^5\.0 MiB \| \S+ \S+\/s\ndone: appended 5242880 bytes to .*\nquit with 0\n\$$/m);
    assert.ok((await readFile(join(folder, "root", "file.bin"))).equals(bytes));
    assert.ok((await readFile(join(folder, "root", "pipe.bin"))).equals(bytes));
  });

  it("a refusal leaves one line, even with a progress bar", async () => {
    const terminal = await terminals.open("refused");
    await terminal.line(`echo | httpfstream append -v ${url}/a%2fb; echo "quit with $?"`);
    await terminal.shows(/^httpfstream append: bad path: The path .* is refused: .*\nquit with 1\n\$$/m);
  });

  it("Ctrl-C ends a waiting follower, and then the server", async () => {
    const terminal = await terminals.open("leaving");
    await terminal.line(`httpfstream follow --wait -v ${url}/never; echo "quit with $?"`);
    await terminal.shows(/^waiting: /m);
    await terminal.press("C-c");
    await terminal.shows(/^\^Cinterrupted\nquit with 130\n\$$/m);
    await server.press("C-c");
    await server.line('echo "quit with $?"');
    await server.shows(/^quit with 0$/m);
  });
});

/** Installs a command as `npm install` does, but from the sources. */
async function install(folder: string, name: string): Promise<void> {
  const args = scriptArguments("node", join("src", "cli", "bin", `${name}.ts`));
  const line = [process.execPath, ...args].map((arg) => `'${arg}'`).join(" ");
  await writeFile(join(folder, name), `#!/bin/sh\ncd '${PROJECT}' && exec ${line} "$@"\n`);
  await chmod(join(folder, name), 0o755);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
