/** A short run of the chaos test against a cluster; `npm run chaos -- --cluster` can run it for longer. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { serverForTests } from "../fixture/nats.ts";
import { PROJECT, Program } from "../fixture/processes.ts";
import { within } from "../fixture/until.ts";

/** Timeout of the run, in milliseconds: less than that of the test file, so that a failure can still be reported. */
const PATIENCE_MS = 240_000;

const server = serverForTests();
const options = "missing" in server ? { skip: server.missing } : {};

test("chaos against a cluster: a fault, and clients whose network breaks", options, async (t) => {
  const script = join(PROJECT, "scripts", "run.mjs");
  const settings = ["--cluster", "--minutes", "0.05", "--paths", "1", "--followers", "1"];
  const program = new Program(process.execPath, [script, "scripts/chaos/main.ts", ...settings]);
  const { code } = await within(program.exited, "the run to end", PATIENCE_MS).catch(async (error: unknown) => {
    throw await program.killed(error);
  });
  assert.equal(code, 0, program.output);
  const report = program.stdout.bytes().toString();
  t.diagnostic(report);
  assert.match(report, /^inflicted +1 /m);
  assert.match(report, /^race +.*\d+ operations/m);
  assert.match(report, /^compared .*1 rounds/m);
});
