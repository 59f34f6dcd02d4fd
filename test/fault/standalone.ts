/**
 * Registers fault tests, which run against the real standalone server on each runtime.
 * @module
 */
import { test } from "node:test";
import { Peers } from "../fixture/peers.ts";
import type { Runtime } from "../fixture/processes.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** How long one test may take, in milliseconds. */
const TIMEOUT_MS = 120_000;

/** The server and clients of a fault test. */
export interface Fault {
  readonly runtime: Runtime;
  readonly server: TestServer;
  readonly peers: Peers;
  /** The folder that the server serves. */
  readonly root: string;
  /** Starts another server on the same root, as after a crash. */
  restart(): Promise<{ server: TestServer; peers: Peers }>;
}

/** Options of a fault test. */
export interface FaultOptions {
  /** The runtimes to run on. Default: all. */
  readonly runtimes?: readonly Runtime[];
  /** Limits of the server, by name. Default: none are changed. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Creates the root. Default: a temporary folder. */
  readonly prepare?: () => Promise<{ root: string; remove: () => Promise<void> }>;
  /** The reason why the test can't run here; undefined if it can. */
  readonly skip?: string | undefined;
}

/** Registers a test on each runtime. Each gets its own server. */
export function faultTest(what: string, options: FaultOptions, run: (fault: Fault) => Promise<void>): void {
  const { runtimes = RUNTIMES, limits = {}, prepare = temporaryRoot, skip } = options;
  const args = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  for (const runtime of runtimes.filter((each) => RUNTIMES.includes(each))) {
    test(`${what} (${runtime})`, { timeout: TIMEOUT_MS, ...(skip === undefined ? {} : { skip }) }, async () => {
      const { root, remove } = await prepare();
      const started: { server: TestServer; peers: Peers }[] = [];
      const restart = async (): Promise<{ server: TestServer; peers: Peers }> => {
        const server = await startStandalone(runtime, { root, args });
        const one = { server, peers: new Peers(server.url) };
        started.push(one);
        return one;
      };
      try {
        await run({ runtime, root, ...(await restart()), restart });
      } finally {
        for (const { server, peers } of started) {
          await server.kill9();
          peers.dispose();
        }
        await remove();
      }
    });
  }
}

async function temporaryRoot(): Promise<{ root: string; remove: () => Promise<void> }> {
  const root = await temporaryFolder("fault");
  return { root, remove: () => removeFolder(root) };
}
