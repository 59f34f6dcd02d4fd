/**
 * What `npm test` leaves out, because it must not take long. `npm test -- --all` runs that, too, and so do the files that
 * `--only` selects.
 * @module
 */
import { basename } from "node:path";
import type { TestResult } from "./test-result.ts";

/** What a whole run does in place of each of these files. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  "test/bench/peers.test.ts": "test/bench/bench.test.ts runs each load, without the other programs",
  "test/bench/viewer.test.ts": "test/viewer/growth.test.ts opens logs as large in Chromium",
  "test/cluster/conformance-folder.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/conformance-nats.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/faults-nats.test.ts": "appends while NATS servers die, split networks, and a short chaos run",
  "test/cluster/faults-servers.test.ts": "a short chaos run, in which servers die",
  "test/cluster/store-r3.test.ts": "the store suite on one server, and the faults of three",
  "test/cluster/wire-bun.test.ts": "the wire suite through two servers on Node, and the store suite on Bun",
  "test/cluster/wire-deno.test.ts":
    "the wire suite through two servers on Node, and the suite of the file store on Deno",
  "test/durable/commands-bun.test.ts": "the commands on Node",
  "test/durable/commands-deno.test.ts": "the commands on Node",
  "test/durable/conformance-bun.test.ts": "the suite mounted on Bun",
  "test/durable/conformance-deno.test.ts": "the suite mounted on Deno",
  "test/durable/conformance-disk.test.ts": "the suite at the level os",
  "test/durable/conformance-memory.test.ts": "the suite with files",
  "test/durable/conformance-mounted-node.test.ts": "the suite standalone on Node",
};

/** The other runtimes beside Node. */
type Other = "deno" | "bun";

/**
 * On how many runtimes the files of these folders run. What is peculiar to a runtime has its tests in the other folders, and
 * the contract's suites run on all.
 */
const FEWER: Readonly<Record<string, 1 | 2>> = {
  cli: 1,
  "cli-reconnect": 1,
  client: 1,
  crash: 1,
  durable: 1,
  fault: 2,
  limits: 1,
  processes: 1,
  resumable: 1,
  subscriptions: 1,
  viewer: 1,
  workers: 1,
};

/** What runs of these folders' files in place of the other runtimes. */
export const LEFT_OUT_RUNTIMES: readonly TestResult[] = Object.entries(FEWER).map(([folder, count]) => ({
  kind: "skip",
  ...(count === 1
    ? { name: `test/${folder}/* on two more runtimes`, reason: leftOut("each file on Node, Deno or Bun") }
    : { name: `test/${folder}/* on the third runtime`, reason: leftOut("each file on Node, and on Deno or Bun") }),
}));

function leftOut(instead: string): string {
  return `takes long; it runs with --all, or with --only. Always run: ${instead}`;
}

/** The environment variables for a test file in a run that must not take long. */
export function shortened(file: string): Record<string, string> {
  const [, folder = ""] = file.split("/");
  const env: Record<string, string> = { HTTPFSTREAM_TEST_SIZE: "short" };
  const count = FEWER[folder];
  // Such a file is about one runtime.
  if (count === undefined || /-(node|deno|bun)\.test\.ts$/.test(file)) return env;
  const runtimes = runtimesFor(basename(file).length, count).join(",");
  return { ...env, HTTPFSTREAM_TEST_RUNTIMES: runtimes, HTTPFSTREAM_TEST_BUNDLES: "all" };
}

/** The runtimes for a file, by a number that differs from file to file. Half of those for one runtime are for Node. */
function runtimesFor(seed: number, count: 1 | 2): readonly string[] {
  const other: Other = seed % 4 < 2 ? "deno" : "bun";
  if (count === 2) return ["node", other];
  return [seed % 2 === 0 ? "node" : other];
}

/**
 * The environment variables for a test file on another version of Node. Early ones hand the work with files to a thread of the
 * kernel that never rests, which doubles the processor time of a server. One file runs with it.
 */
export function quieter(file: string): Record<string, string> {
  return basename(file) === "gone-early.test.ts" ? {} : { UV_USE_IO_URING: "0" };
}
