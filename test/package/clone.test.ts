/**
 * A checkout as `git clone` leaves it, without node_modules: all its commands must work at once.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cp, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { VERSION } from "../../src/cli/common/version.ts";
import { type Exit, executable, Program } from "../fixture/processes.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

/** What git does not clone. */
const LOCAL = new Set(["node_modules", "dist", "data", ".git"]);

/** The command that runs the tests in a fresh clone installs the tools, too. */
const NO_TOOLS = IS_SHORT ? LEFT_OUT : false;

/** Timeout for npm to download and install the dependencies, in milliseconds. */
const INSTALL_MS = 240_000;

let home = "";
let clone = "";
before(async () => {
  home = await temporaryFolder("clone");
  clone = join(home, "checkout");
  const isCloned = (file: string): boolean => !LOCAL.has(relative(ROOT, file).split(sep)[0] ?? "");
  await cp(ROOT, clone, { recursive: true, filter: isCloned });
});
/** The programs in the foreground that have not ended. */
const running = new Set<Program>();
after(async () => {
  // A failed test leaves its server.
  for (const { pid } of running) process.kill(-pid, "SIGKILL");
  await removeFolder(home);
});

/** Starts a command as in the foreground of a terminal: in its own process group, together with its children. */
function foreground(file: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const program = new Program("setsid", [file, ...args], { cwd: clone, env });
  running.add(program);
  void program.exited.finally(() => running.delete(program));
  return program;
}

/** Sends SIGINT to every process in the foreground, as a terminal does, and waits for the end. */
async function ctrlC(program: Program): Promise<Exit> {
  process.kill(-program.pid, "SIGINT");
  const exit = await within(program.exited, "the end after Ctrl-C");
  assert.throws(() => process.kill(-program.pid, 0), { code: "ESRCH" }, "nothing is left of it");
  return exit;
}

/** Waits until a server listens, and returns its URL. */
async function listening(server: Program): Promise<string> {
  const [url] = await server.printed(/http:\/\/[\d.:]+\//);
  return url;
}

async function ended(program: Program, milliseconds?: number): Promise<Exit> {
  program.endInput();
  return within(program.exited, "the command's end", milliseconds);
}

describe("without anything installed", () => {
  const commands = {
    "deno run": async () => foreground(await executable("deno"), ["run", "-A", "mod.ts", ...options()]),
    "deno task": async () => {
      const deno = await executable("deno");
      return foreground(deno, ["task", "start", ...options()], { PATH: `${dirname(deno)}:/usr/bin:/bin` });
    },
    "bun run": async () => {
      // By its absolute path; it is not on the PATH.
      return foreground(await executable("bun"), ["run", "server", ...options()], { PATH: "/usr/bin:/bin" });
    },
  };
  const options = (): string[] => ["--root", join(home, "data"), "--http", "127.0.0.1:0"];

  for (const [command, start] of Object.entries(commands)) {
    it(`${command} serves, and leaves nothing behind`, async () => {
      const files = await readdir(clone);
      const server = await start();
      const response = await fetch(await listening(server));
      assert.equal(response.status, 200);
      await response.body?.cancel();
      assert.match(server.output, new RegExp(`on ${command.split(" ")[0]} `));
      assert.deepEqual(await ctrlC(server), { code: 0, signal: null });
      assert.deepEqual(await readdir(clone), files);
    });
  }
});

describe("with npm", () => {
  it("the first command installs what it needs, and its standard output has nothing else", async () => {
    const first = foreground("npm", ["run", "-s", "append", "--", "--version"]);
    assert.deepEqual(await ended(first, INSTALL_MS), { code: 0, signal: null }, first.output);
    assert.equal(first.stdout.bytes().toString(), `${VERSION}\n`);
    assert.match(first.stderr.bytes().toString(), /^Installing the dependencies/m);
    const tools = ["typescript", "deno", "bun", "playwright-core", "@biomejs"];
    const installed = await readdir(join(clone, "node_modules"));
    assert.deepEqual(
      tools.filter((name) => installed.includes(name)),
      [],
      "tools of the developers",
    );
  });

  it("the second one installs nothing", async () => {
    const second = foreground("npm", ["run", "-s", "follow", "--", "--version"]);
    assert.deepEqual(await ended(second), { code: 0, signal: null });
    assert.equal(second.stdout.bytes().toString(), `${VERSION}\n`);
    assert.doesNotMatch(second.stderr.bytes().toString(), /Installing/);
  });

  it("npm start serves; append and follow pass bytes and exit codes through; Ctrl-C ends it cleanly", async () => {
    const server = foreground("npm", ["start", "--", "--root", join(home, "data"), "--http", "127.0.0.1:0"]);
    const url = `${await listening(server)}bytes.bin`;
    const bytes = randomBytes(300_000);

    const append = foreground("npm", ["run", "-s", "append", "--", url]);
    await append.write(bytes);
    assert.deepEqual(await ended(append), { code: 0, signal: null }, append.output);

    const follow = foreground("npm", ["run", "-s", "follow", "--", url]);
    assert.deepEqual(await ended(follow), { code: 0, signal: null }, follow.output);
    assert.deepEqual(follow.stdout.bytes(), bytes);

    const refused = foreground("npm", ["run", "-s", "follow", "--", `${url}.nothing`]);
    assert.deepEqual(await ended(refused), { code: 1, signal: null });
    assert.equal(refused.stdout.length, 0);

    // With an open append the shutdown takes a moment, during which npm passes the signal on a second time.
    const typing = foreground("npm", ["run", "-s", "append", "--", "--retry-for", "0", `${url}.live`]);
    await typing.write("typed\n");
    await server.printed(/append begins: .*live/);
    assert.deepEqual(await ctrlC(server), { code: 0, signal: null }, server.output);
    await ended(typing);
  });

  it("a tool installs the rest, without taking away what a running server may still load", {
    skip: NO_TOOLS,
  }, async () => {
    const server = foreground("npm", ["start", "--", "--root", join(home, "data"), "--http", "127.0.0.1:0"]);
    const url = await listening(server);
    const before = await stat(join(clone, "node_modules", "ws"));
    const rooms = foreground("npm", ["run", "-s", "rooms"]);
    assert.deepEqual(await ended(rooms, INSTALL_MS), { code: 0, signal: null }, rooms.output);
    assert.match(rooms.stderr.bytes().toString(), /^Installing the dependencies of tests and tools/m);
    assert.equal((await stat(join(clone, "node_modules", "ws"))).ino, before.ino);
    // The first upgrade loads the WebSocket server.
    const append = foreground("npm", ["run", "-s", "append", "--", `${url}late.txt`]);
    assert.deepEqual(await ended(append), { code: 0, signal: null }, append.output);
    assert.deepEqual(await ctrlC(server), { code: 0, signal: null }, server.output);
    const lock = "package-lock.json";
    assert.equal(await readFile(join(clone, lock), "utf8"), await readFile(join(ROOT, lock), "utf8"));
  });
});
