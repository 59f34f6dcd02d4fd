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
  "test/cluster/conformance-folder.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/conformance-nats.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/faults-nats.test.ts": "appends while NATS servers die, split networks, and a short chaos run",
  "test/cluster/faults-servers.test.ts": "a short chaos run, in which servers die",
  "test/cluster/store-r3.test.ts": "the store suite on one server, and the wire suite in front of three",
  "test/cluster/wire-bun.test.ts": "the wire suite through two servers on Node, and the store suite on Bun",
  "test/cluster/wire-deno.test.ts": "the wire suite through two servers on Node, and the store suite on Deno",
  "test/durable/commands-bun.test.ts": "the commands on Node",
  "test/durable/commands-deno.test.ts": "the commands on Node",
  "test/durable/conformance-bun.test.ts": "the suite mounted on Bun",
  "test/durable/conformance-deno.test.ts": "the suite mounted on Deno",
  "test/durable/conformance-disk.test.ts": "the suite at the level os",
  "test/durable/conformance-memory.test.ts": "the suite with files",
  "test/durable/conformance-mounted-node.test.ts": "the suite standalone on Node",
};

/**
 * The folders whose files run on two of the three runtimes: on Node, and in turn on Deno or Bun. What is peculiar to a
 * runtime has its tests in the other folders, and the contract's suites run on all.
 */
const ON_TWO: ReadonlySet<string> = new Set([
  "cli",
  "cli-reconnect",
  "client",
  "crash",
  "durable",
  "fault",
  "limits",
  "processes",
  "resumable",
  "subscriptions",
  "viewer",
  "workers",
]);

/** What runs of a folder's files in place of the third runtime. */
export const LEFT_OUT_RUNTIMES: readonly TestResult[] = [...ON_TWO].map((folder) => ({
  kind: "skip",
  name: `test/${folder}/* on the third runtime`,
  reason: "takes long; it runs with --all, or with --only. Always run: each file on Node, and on Deno or Bun",
}));

/** The environment variables for a test file in a run that must not take long. */
export function shortened(file: string): Record<string, string> {
  const [, folder = ""] = file.split("/");
  const env: Record<string, string> = { HTTPFSTREAM_TEST_SIZE: "short" };
  // Such a file is about one runtime.
  if (!ON_TWO.has(folder) || /-(node|deno|bun)\.test\.ts$/.test(file)) return env;
  const second = basename(file).length % 2 === 0 ? "deno" : "bun";
  return { ...env, HTTPFSTREAM_TEST_RUNTIMES: `node,${second}` };
}
