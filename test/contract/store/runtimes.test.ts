/** The stores keep the Store contract on Deno and Bun too: the same files, run by each runtime's own test runner. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { executable, run } from "../../fixture/processes.ts";

const FOLDER = "./test/contract/store";
const FILES = readdirSync(new URL(".", import.meta.url))
  .filter((name) => /^(file|memory).*\.test\.ts$/.test(name))
  .map((name) => `${FOLDER}/${name}`);

const COMMANDS = { deno: ["test", "-A", "--no-check"], bun: ["test"] } as const;

for (const runtime of ["deno", "bun"] as const) {
  test(`the Store contract on ${runtime}`, async () => {
    const { exit, output } = await run(await executable(runtime), [...COMMANDS[runtime], ...FILES]);
    assert.equal(exit.code, 0, output.slice(-4000));
    assert.match(output, /[1-9]\d* pass/, "tests ran");
  });
}
