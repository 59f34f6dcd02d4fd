/** `storeSuite()` with the test runners of Deno and Bun. The tests in test/contract/store use that of Node. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { executable, run } from "../fixture/processes.ts";

// If it were set, these runtimes would report to this test runner instead of printing results.
delete process.env["NODE_TEST_CONTEXT"];

const COMMANDS = { deno: ["test", "--no-check"], bun: ["test", "--timeout", "60000"] } as const;

for (const runtime of ["deno", "bun"] as const) {
  it(`registers its cases with the test runner of ${runtime}, and the reasons of those that it skips`, async () => {
    const args = [...COMMANDS[runtime], `./test/fixture/store-suite-${runtime}.mjs`];
    const { exit, output } = await run(await executable(runtime), args);
    assert.equal(exit.code, 0, output);
    const [, passed] = /(\d+) pass/.exec(output) ?? [];
    assert.ok(Number(passed) > 70, output);
    // Three optional parts, and the thirteen cases of `shared`.
    assert.match(output, /16 (ignored|skip)/);
    assert.match(output, /\(skipped: it has no "tidy"\)/);
  });
}
