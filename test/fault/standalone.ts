/**
 * Fault tests against the real standalone server, on each runtime.
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

/** What a fault test works with. */
export interface Fault {
  readonly runtime: Runtime;
  readonly server: TestServer;
  readonly peers: Peers;
  /** The folder that the server serves. */
  readonly root: string;
  /** Starts another server on the same folder, as after a crash. */
  restart(): Promise<{ server: TestServer; peers: Peers }>;
}

/** How to run a fault test. */
export interface FaultOptions {
  /** Default: all of them. */
  readonly runtimes?: readonly Runtime[];
  /** Limits of the server. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Makes the folder to serve. Default: a temporary one. */
  readonly prepare?: () => Promise<{ root: string; remove: () => Promise<void> }>;
  /** Why it can't run here. */
  readonly skip?: string | undefined;
}

/** Registers a test on each runtime, with a server of its own. */
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
