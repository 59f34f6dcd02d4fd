import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, startStandalone, type TestServer } from "../fixture/servers.ts";
import { runScenarios } from "./run.ts";
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
