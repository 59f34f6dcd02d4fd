/** The client of the package `@durable-streams/client` with this project's server, behind a proxy that inflicts faults. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runScenarios } from "../client/run.ts";
import { FaultProxy } from "../fixture/fault-proxy.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { FAULT_SCENARIOS } from "./fault-scenarios.ts";

// They mostly wait.
describe("the client of the package behind a faulty proxy", { concurrency: true }, () => {
  for (const runtime of RUNTIMES) {
    describe(`on ${runtime}, with the server on ${runtime}`, () => {
      let server: TestServer;
      let proxy: FaultProxy;
      let outcomes: Map<string, string | undefined>;

      before(async () => {
        server = await startStandalone(runtime);
        proxy = await FaultProxy.start(server.url);
        outcomes = await runScenarios(runtime, proxy.url, "npm-faults");
      });
      after(async () => {
        await proxy.close();
        await expectCleanStop(server);
      });

      for (const name of Object.keys(FAULT_SCENARIOS)) {
        it(name, () => {
          assert.ok(outcomes.has(name), "it did not come to its end");
          assert.equal(outcomes.get(name), undefined);
        });
      }
    });
  }
});
