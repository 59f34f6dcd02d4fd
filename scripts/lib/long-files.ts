/**
 * The test files that `npm test` leaves out, because it must not take long. `npm test -- --all` runs them, too.
 * @module
 */

/** What `npm test` runs instead of each of these files. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  "test/bench/peers.test.ts": "test/bench/bench.test.ts runs each load, without the other programs",
  "test/cluster/conformance-folder.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/conformance-nats.test.ts": "the suite through one server, and the wire suite through two",
  "test/cluster/store-r1.test.ts": "the store suite on three servers on Node, and on one on Deno and Bun",
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
