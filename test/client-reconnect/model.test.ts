import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { run, scriptArguments } from "../fixture/processes.ts";
import type { Summary } from "./simulation/simulate.ts";

/** Number of schedules per simulation in a normal test run. */
const RUNS = 2_000;

/** Plays schedules in a separate process: the hooks of the test runner make promises many times slower. */
async function simulate(t: TestContext, name: string): Promise<Summary> {
  const script = join("test", "client-reconnect", "simulation", "main.ts");
  const { exit, output, stdout } = await run(process.execPath, [
    ...scriptArguments("node", script),
    name,
    String(RUNS),
  ]);
  assert.deepEqual(exit, { code: 0, signal: null }, output);
  const summary = JSON.parse(stdout.bytes().toString()) as Summary;
  t.diagnostic(
    `${summary.perSecond} schedules a second; again with: node --import tsx ${script} ${name} ${RUNS} ${summary.seed}`,
  );
  t.diagnostic(JSON.stringify(summary));
  assert.equal(summary.runs, RUNS);
  assert.ok(summary.connections > RUNS, "connections break");
  return summary;
}

describe("over a network that fails in every way", () => {
  it("an append loses no byte, duplicates none, keeps their order, and ends", async (t) => {
    const { results } = await simulate(t, "append");
    assert.ok((results["complete"] ?? 0) > RUNS / 3, "most are survived");
    assert.ok((results["gone"] ?? 0) > 0, "some are not");
  });

  it("a follow gets every byte once, in order, and learns how it ended", async (t) => {
    const { results } = await simulate(t, "follow");
    for (const reason of ["complete", "lost", "failed", "limit", "deleted", "replaced", "unknown"]) {
      assert.ok((results[reason] ?? 0) > 0, `some end as ${reason}`);
    }
  });
});
