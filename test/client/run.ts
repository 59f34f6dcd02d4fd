/**
 * Runs scenarios of the client in a process of a runtime.
 * @module
 */
import assert from "node:assert/strict";
import { executable, type Runtime, run, scriptArguments } from "../fixture/processes.ts";

/**
 * Runs a set of scenarios, and returns the error of each by its name; undefined for one that has passed.
 *
 * @param folder The URL that the scenarios get.
 * @param set The name of the set. Default: those for any server.
 */
export async function runScenarios(
  runtime: Runtime,
  folder: string,
  set = "server",
): Promise<Map<string, string | undefined>> {
  const script = scriptArguments(runtime, "test/client/run-scenarios.ts");
  const program = await run(await executable(runtime), [...script, folder, set]);
  const lines = program.stdout.bytes().toString().trim().split("\n");
  assert.equal(program.exit.code, 0, program.output);
  return new Map(
    lines.map((line) => JSON.parse(line) as { name: string; error?: string }).map(({ name, error }) => [name, error]),
  );
}
