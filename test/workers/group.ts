/**
 * A server with workers, and what its files and processes show.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { withChildren } from "../fixture/descriptors.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

/** A running server with workers. */
export class Workers {
  readonly server: TestServer;
  /** The URL of the second listener, without a trailing slash. */
  readonly admin: string;

  private constructor(server: TestServer, admin: string) {
    this.server = server;
    this.admin = admin;
  }

  /** Starts a server with so many workers. It ends with the test. */
  static async start(t: TestContext, runtime: Runtime, count: number, args: readonly string[] = []): Promise<Workers> {
    const root = await temporaryFolder("workers");
    const more = ["--workers", String(count), "--admin", "127.0.0.1:0", ...args];
    const server = await startStandalone(runtime, { root, args: more });
    t.after(async () => {
      // Its workers end in order when they find that it has ended.
      const pids = await childrenOf(server);
      await server.kill9();
      for (const pid of pids) await until("a worker to end", () => !isAlive(pid));
      await removeFolder(root);
    });
    const [, admin = ""] = await server.program.printed(/^probes and metrics at (\S+)\/$/m);
    return new Workers(server, admin);
  }

  /** The URL of a path. */
  url(path: string): string {
    return `${this.server.url}/${path}`;
  }

  /** The process numbers of the workers that run. */
  pids(): Promise<number[]> {
    return childrenOf(this.server);
  }

  /** The bytes of a file. */
  file(path: string): Buffer {
    return readFileSync(join(this.server.root, path));
  }

  /** The process that appends to a path, by the lease of the group. */
  ownerOf(path: string): Promise<number> {
    const groups = join(this.server.root, ".httpfstream", "groups");
    return until(`an append to ${path}`, () => {
      for (const term of readdirSync(groups)) {
        try {
          const { pid } = JSON.parse(readFileSync(join(groups, term, keyOf(path)), "utf8")) as { pid: number };
          return pid;
        } catch {
          // Another term has the path, or none.
        }
      }
      return undefined;
    });
  }

  /** Waits until a worker has replaced one that has died, as the server says. */
  async replaced(pid: number): Promise<void> {
    await this.server.program.printed(new RegExp(`serves in place of process ${pid}$`, "m"));
  }
}

/** The children of a server, without helpers of its runtime. */
async function childrenOf({ program }: TestServer): Promise<number[]> {
  if (program.child.exitCode !== null || program.child.signalCode !== null) return [];
  return withChildren(program.child).slice(1);
}

/** Whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "Z";
  } catch {
    return false;
  }
}

/** Yields random bytes in pieces. Runs each event once its offset is reached, before it goes on. */
export async function* eventful(
  bytes: Buffer,
  events: readonly { readonly at: number; readonly run: () => Promise<unknown> }[],
): AsyncGenerator<Uint8Array> {
  const coming = [...events];
  const PIECE = 16_384;
  for (let at = 0; at < bytes.length; at += PIECE) {
    while (coming[0] && at >= coming[0].at) await coming.shift()?.run();
    yield bytes.subarray(at, at + PIECE);
    // The pieces that follow belong to other batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Random bytes for an append. */
export function content(seed: number): Buffer {
  return randomBytes(1_200_000, seed);
}

/** Registers a test on each of the runtimes. Default: all runtimes. */
export function workersTest(
  what: string,
  run: (t: TestContext, runtime: Runtime) => Promise<void>,
  runtimes: readonly Runtime[] = RUNTIMES,
): void {
  for (const runtime of runtimes) {
    test(`${what} (${runtime})`, { timeout: 150_000, skip: NO_LINUX }, (t) => run(t, runtime));
  }
}

/** The reason why these tests can't run here, or false. */
const NO_LINUX = process.platform === "linux" ? false : "workers are found in /proc";
