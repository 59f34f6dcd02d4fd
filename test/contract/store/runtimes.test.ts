/** The Store contract on Deno and Bun: the same test files, run by each runtime's own test runner. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { executable, PROJECT, Program } from "../../fixture/processes.ts";
import { within } from "../../fixture/until.ts";

const FOLDER = "./test/contract/store";
const FILES = readdirSync(join(PROJECT, FOLDER))
  .filter((name) => /^(file|memory).*\.test\.ts$/.test(name))
  .map((name) => `${FOLDER}/${name}`);

const COMMANDS = { deno: ["test", "-A", "--no-check"], bun: ["test", "--timeout", "60000"] } as const;

// If it were set, these runtimes would report to this test runner instead of printing results.
delete process.env["NODE_TEST_CONTEXT"];

for (const runtime of ["deno", "bun"] as const) {
  test(`the Store contract on ${runtime}`, async () => {
    const program = new Program(await executable(runtime), [...COMMANDS[runtime], ...FILES]);
    const { code } = await within(program.exited, "the tests to end", 120_000);
    assert.equal(code, 0, failures(program.output));
    assert.match(program.output, /[1-9]\d* pass/, "tests ran");
  });
}

/** Returns the output without the lines of passed tests. */
function failures(output: string): string {
  const lines = output.split("\n").filter((line) => !/^\s*\(pass\)| ok \(\d+\w+\)$/.test(line));
  return lines.join("\n");
}
