/** The store on one NATS server, on Deno and Bun: the same test file, run by each runtime's own test runner. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { serverForTests } from "../fixture/nats.ts";
import { executable, Program, RUNTIMES } from "../fixture/processes.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { within } from "../fixture/until.ts";

const FILE = "./test/cluster/store-r1.test.ts";

const COMMANDS = { deno: ["test", "-A", "--no-check"], bun: ["test", "--timeout", "60000"] } as const;

const server = serverForTests();
const missing = "missing" in server ? server.missing : false;

// If it were set, these runtimes would report to this test runner instead of printing results.
delete process.env["NODE_TEST_CONTEXT"];

for (const runtime of ["deno", "bun"] as const) {
  if (!RUNTIMES.includes(runtime)) continue;
  const skip = missing || (IS_SHORT && runtime === "deno" && LEFT_OUT);
  test(`the store on one NATS server, on ${runtime}`, { skip }, async () => {
    const program = new Program(await executable(runtime), [...COMMANDS[runtime], FILE]);
    const { code } = await within(program.exited, "the tests to end", 240_000);
    assert.equal(code, 0, failures(program.output));
    assert.match(program.output, /[1-9]\d* pass/, "tests ran");
  });
}

/** Returns the output without the lines of passed tests. */
function failures(output: string): string {
  const lines = output.split("\n").filter((line) => !/^\s*\(pass\)| ok \(\d+\w+\)$/.test(line));
  return lines.join("\n");
}
