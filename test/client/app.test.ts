/** The client over the `fetch` of an app, on every runtime. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { RUNTIMES } from "../fixture/processes.ts";
import { APP_SCENARIOS } from "./app-scenarios.ts";
import { runScenarios } from "./run.ts";

for (const runtime of RUNTIMES) {
  describe(`the client over the fetch of an app, on ${runtime}`, () => {
    let outcomes: Map<string, string | undefined>;

    before(async () => {
      outcomes = await runScenarios(runtime, "", "app");
    });

    for (const name of Object.keys(APP_SCENARIOS)) {
      it(name, () => {
        assert.ok(outcomes.has(name), "it did not come to its end");
        assert.equal(outcomes.get(name), undefined);
      });
    }
  });
}
