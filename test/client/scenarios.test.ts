import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MOUNTS } from "../fixture/mounts.ts";
import { executable, RUNTIMES, type Runtime, run, scriptArguments } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, startStandalone, type TestServer } from "../fixture/servers.ts";
import { SCENARIOS } from "./scenarios.ts";

const servers = {
  standalone: { start: startStandalone, folder: "" },
  mounted: { start: startMounted, folder: MOUNTS.plain },
};

for (const runtime of RUNTIMES) {
  for (const [kind, { start, folder }] of Object.entries(servers)) {
    describe(`the client on ${runtime}, with the ${kind} server on ${runtime}`, () => {
      let server: TestServer;
      let outcomes: Map<string, string | undefined>;

      before(async () => {
        server = await start(runtime);
        outcomes = await runScenarios(runtime, server.url + folder);
      });
      after(() => expectCleanStop(server));

      for (const name of Object.keys(SCENARIOS)) {
        it(name, () => {
          assert.ok(outcomes.has(name), "it did not come to its end");
          assert.equal(outcomes.get(name), undefined);
        });
      }
    });
  }
}

async function runScenarios(runtime: Runtime, folder: string): Promise<Map<string, string | undefined>> {
  const script = scriptArguments(runtime, "test/client/run-scenarios.ts");
  const program = await run(await executable(runtime), [...script, folder]);
  const lines = program.stdout.bytes().toString().trim().split("\n");
  assert.equal(program.exit.code, 0, program.output);
  return new Map(
    lines.map((line) => JSON.parse(line) as { name: string; error?: string }).map(({ name, error }) => [name, error]),
  );
}
