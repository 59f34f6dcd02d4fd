import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runScenarios } from "../client/run.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startScript, startStandalone, type TestServer } from "../fixture/servers.ts";
import { durableScenarios } from "./client-scenarios.ts";

for (const runtime of RUNTIMES) {
  const servers = {
    "the server of the package @durable-streams/server": {
      start: () => startScript("node", "reference-server.ts"),
      set: "durable-only",
    },
    [`the server of this project on ${runtime}`]: {
      start: () => startStandalone(runtime, { args: ["--deletes", "all"] }),
      set: "durable-streams",
    },
  };
  for (const [name, { start, set }] of Object.entries(servers)) {
    describe(`the client on ${runtime} speaks Durable Streams with ${name}`, () => {
      let server: TestServer;
      let outcomes: Map<string, string | undefined>;

      before(async () => {
        server = await start();
        outcomes = await runScenarios(runtime, `${server.url}/v1/stream`, set);
      });
      after(() => expectCleanStop(server));

      for (const scenario of Object.keys(durableScenarios(set === "durable-streams" ? set : undefined))) {
        it(scenario, () => {
          assert.ok(outcomes.has(scenario), "it did not come to its end");
          assert.equal(outcomes.get(scenario), undefined);
        });
      }
    });
  }
}
