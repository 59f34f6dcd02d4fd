/** The commands with Durable Streams: broken networks, killed servers, resumed files. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { type Command, command, start } from "../cli/commands.ts";
import { ShiftyProxy } from "../client-reconnect/proxy.ts";
import { pieces, prng, randomBytes } from "../fixture/bytes.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startScript, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const SIZE = 1_500_000;

/** A server behind a proxy that keeps its address. */
export class Rig {
  readonly root: string;
  readonly proxy: ShiftyProxy;
  readonly #start: () => Promise<TestServer>;
  #server: TestServer;

  private constructor(root: string, proxy: ShiftyProxy, server: TestServer, start: () => Promise<TestServer>) {
    this.root = root;
    this.proxy = proxy;
    this.#server = server;
    this.#start = start;
  }

  static async of(starter: (root: string) => Promise<TestServer>): Promise<Rig> {
    const root = await temporaryFolder("durable-commands");
    const start = (): Promise<TestServer> => starter(root);
    const server = await start();
    return new Rig(root, await ShiftyProxy.start(server.url), server, start);
  }

  url(path: string): string {
    return `${this.proxy.url}/${path}`;
  }

  /** What the server has stored, past the proxy. */
  async stored(path: string): Promise<Buffer> {
    const response = await fetch(`${this.#server.url}/${path}`);
    assert.ok(response.ok || response.status === 404, `GET answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer()).subarray(0, response.ok ? undefined : 0);
  }

  /** Kills the server, and starts it again. */
  async crash(): Promise<void> {
    this.proxy.target = undefined;
    await this.#server.kill9();
    this.#server = await this.#start();
    this.proxy.target = this.#server.url;
  }

  async stop(): Promise<void> {
    await this.proxy.close();
    await this.#server.kill9();
    await removeFolder(this.root);
  }
}

/** The server of the package, with files. */
export function reference(root: string): Promise<TestServer> {
  return startScript("node", "reference-server.ts", { root });
}

function own(root: string): Promise<TestServer> {
  return startStandalone("node", { root });
}

/** Lines of a fixed length that are numbered. */
function numberedLines(count: number): string {
  return Array.from({ length: count }, (_, n) => `${String(n).padStart(7, "0")} ${"x".repeat(91)}\n`).join("");
}

/** Milliseconds that a command may take over some cuts in a row. Its pauses between attempts grow to 15 s. */
const CUTS_MS = 120_000;

/** Writes bytes to a command, and calls `between` after each piece with what was written so far. */
async function feed(program: Command, bytes: Buffer, size: number, between: (written: number) => Promise<void>) {
  let written = 0;
  for (const piece of pieces(bytes, size, 5)) {
    await program.write(piece);
    written += piece.length;
    await between(written);
  }
  program.endInput();
}

/** Defines the cases of one runtime. */
export function commandTests(runtime: Runtime): void {
  const skip = RUNTIMES.includes(runtime) ? false : `${runtime} is not among the runtimes to test`;

  const told = ["--protocol", "durable-streams"];
  const servers = [
    { name: "the server of the package", starter: reference, args: [] as string[] },
    { name: "a server of this project", starter: own, args: told },
  ];
  for (const { name, starter, args } of servers) {
    describe(`append and follow on ${runtime} over Durable Streams, with ${name}`, { skip }, () => {
      let rig: Rig;
      const open = async (): Promise<Rig> => {
        rig = await Rig.of(starter);
        return rig;
      };
      afterEach(() => rig.stop());

      it("deliver every byte once over a network that cuts requests and answers", async () => {
        const { proxy } = await open();
        const bytes = randomBytes(SIZE, 7);
        const random = prng(23);
        const url = rig.url("cut");
        const appender = await start(runtime, ["append", "--close", ...args, url]);
        const follower = await start(runtime, ["follow", "--wait", ...args, url]);
        await appender.write(bytes.subarray(0, 1));
        await until("the first byte", () => follower.stdout.bytes().length === 1);
        // A response that breaks off is read again from its beginning, and grows meanwhile. One that is longer than any
        // connection lasts would never end, so connections last longer while the follower gets nothing new.
        let [followed, attempts] = [0, 0];
        proxy.allowance = () => {
          const { length } = follower.stdout.bytes();
          attempts = length > followed ? 0 : attempts + 1;
          followed = length;
          return (20_000 + Math.floor(random() * 300_000)) * 2 ** attempts;
        };
        proxy.cut();
        await feed(appender, bytes.subarray(1), 50_000, async (written) => {
          const isNear = (): boolean => follower.stdout.bytes().length > written - 100_000;
          await until("the follower", isNear, CUTS_MS);
        });
        assert.deepEqual(await appender.end(), { code: 0, signal: null }, appender.stderr.bytes().toString());
        // The pauses between attempts grow as long as nothing new arrives. A few more cuts in a row, and it takes too long.
        proxy.allowance = () => Number.POSITIVE_INFINITY;
        assert.deepEqual(await follower.end(), { code: 0, signal: null }, follower.stderr.bytes().toString());
        assert.ok(proxy.count > 10, `only ${proxy.count} connections`);
        assert.ok((await rig.stored("cut")).equals(bytes), "the server has other bytes");
        assert.ok(follower.stdout.bytes().equals(bytes), "the follower has other bytes");
      });

      it("continue after the server was killed between two requests: every byte once", async () => {
        await open();
        const bytes = randomBytes(400_000, 11);
        const url = rig.url("idle");
        const appender = await start(runtime, ["append", "--close", ...args, url]);
        const follower = await start(runtime, ["follow", "--wait", ...args, url]);
        let crashes = 0;
        await feed(appender, bytes, 60_000, async (written) => {
          await until("the server to have all", async () => (await rig.stored("idle")).length === written);
          await until("the follower to have all", () => follower.stdout.bytes().length === written);
          if (written > (crashes + 1) * 120_000 && ++crashes) await rig.crash();
        });
        assert.deepEqual(await appender.end(), { code: 0, signal: null }, appender.stderr.bytes().toString());
        assert.deepEqual(await follower.end(), { code: 0, signal: null }, follower.stderr.bytes().toString());
        assert.equal(crashes, 3);
        assert.ok((await rig.stored("idle")).equals(bytes), "the server has other bytes");
        assert.ok(follower.stdout.bytes().equals(bytes), "the follower has other bytes");
      });

      // That server stores bytes before the number of their request. Killed in between, it stores the request twice.
      const isOwn = starter === own;
      const reason = "the server of the package does not store a request and its number together";
      it("continue after the server was killed during requests", { skip: isOwn ? false : reason }, async () => {
        await open();
        const lines = numberedLines(40_000);
        const url = rig.url("busy");
        const appender = await start(runtime, ["append", "--close", ...args, url]);
        const feeding = feed(appender, Buffer.from(lines), 30_000, async () => {});
        for (const part of [0.1, 0.4, 0.7]) {
          await until("a part to be stored", async () => (await rig.stored("busy")).length > part * lines.length);
          await rig.crash();
        }
        await feeding;
        assert.deepEqual(await appender.end(), { code: 0, signal: null }, appender.stderr.bytes().toString());
        const stored = String(await rig.stored("busy"));
        assert.ok(stored === lines, "the server has other bytes");
      });
    });
  }

  describe(`follow --output on ${runtime}, with the server of the package`, { skip }, () => {
    let rig: Rig;
    let folder: string;

    before(async () => {
      rig = await Rig.of(reference);
      folder = await temporaryFolder("durable-output");
    });
    after(async () => {
      await rig.stop();
      await removeFolder(folder);
    });

    it("continues where it ended, where it was killed, and refuses another file", async () => {
      const [url, copy] = [rig.url("copied"), join(folder, "copy")];
      const line = ["follow", "-o", copy, url];
      const bytes = randomBytes(300_000, 2);
      assert.equal((await command(["append", url], { input: bytes.subarray(0, 100_000), runtime })).exit.code, 0);
      const first = await start(runtime, line);
      await until("the first part", () => sizeOf(copy) === 100_000);
      assert.equal((await first.stop("SIGINT")).code, 130);
      assert.equal((await command(["append", url], { input: bytes.subarray(100_000, 200_000), runtime })).exit.code, 0);
      const second = await start(runtime, line);
      await until("the second part", () => sizeOf(copy) === 200_000);
      await second.stop("SIGKILL");
      writeFileSync(copy, Buffer.concat([bytes.subarray(0, 200_000), Buffer.from("half a write")]));
      const rest = await command(["append", "--close", url], { input: bytes.subarray(200_000), runtime });
      assert.equal(rest.exit.code, 0);
      const last = await command(line, { runtime });
      assert.equal(last.exit.code, 0, last.output);
      assert.ok(readFileSync(copy).equals(bytes));

      const other = join(folder, "other");
      writeFileSync(other, "something else");
      const refused = await command(["follow", "-o", other, url], { runtime });
      assert.equal(refused.exit.code, 1);
      assert.match(
        refused.output,
        /protocol: The server at \S+ uses Durable Streams, and can't start at the offset 14/,
      );
      assert.equal(readFileSync(other, "utf8"), "something else");
    });
  });
}

function sizeOf(file: string): number {
  try {
    return readFileSync(file).length;
  } catch {
    return -1;
  }
}
