/** The tests of tokens on Deno and Bun: the same test files, run by each runtime's own test runner. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { executable, Program } from "../fixture/processes.ts";
import { within } from "../fixture/until.ts";

const FILES = ["glob", "hostile", "jwt", "remote-keys"].map((name) => `./test/auth/${name}.test.ts`);

const COMMANDS = { deno: ["test", "-A", "--no-check"], bun: ["test", "--timeout", "60000"] } as const;

// If it were set, these runtimes would report to this test runner instead of printing results.
delete process.env["NODE_TEST_CONTEXT"];

for (const runtime of ["deno", "bun"] as const) {
  test(`tokens on ${runtime}`, async () => {
    const program = new Program(await executable(runtime), [...COMMANDS[runtime], ...FILES]);
    const { code } = await within(program.exited, "the tests to end", 120_000);
    assert.equal(code, 0, program.output);
    assert.match(program.output, /[1-9]\d* pass/, "tests ran");
  });
}
