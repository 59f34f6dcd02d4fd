/**
 * Runs every scenario of a set on the current runtime, and prints one line of JSON per scenario. The arguments: the URL
 * of a folder, and the name of the set. Those with faults run at once, because most of their time is waiting.
 * @module
 */
import process from "node:process";
import { durableScenarios } from "../durable/client-scenarios.ts";
import { FAULT_SCENARIOS } from "../durable/fault-scenarios.ts";
import { NPM_SCENARIOS } from "../durable/npm-scenarios.ts";
import { APP_SCENARIOS } from "./app-scenarios.ts";
import { SCENARIOS, type Scenarios } from "./scenarios.ts";
import { TOKEN_SCENARIOS } from "./token-scenarios.ts";

const SETS: Readonly<Record<string, Scenarios>> = {
  app: APP_SCENARIOS,
  server: SCENARIOS,
  token: TOKEN_SCENARIOS,
  "npm-client": NPM_SCENARIOS,
  "npm-faults": FAULT_SCENARIOS,
  "durable-only": durableScenarios(),
  "durable-streams": durableScenarios("durable-streams"),
};

const [, , folder = "", set = "server"] = process.argv;
const scenarios = Object.entries(SETS[set] ?? {});
if (set === "npm-faults") await Promise.all(scenarios.map((scenario) => run(...scenario)));
else for (const scenario of scenarios) await run(...scenario);

async function run(name: string, scenario: Scenarios[string]): Promise<void> {
  const outcome = await scenario(folder).then(
    () => ({ name }),
    (error: unknown) => ({ name, error: error instanceof Error ? error.stack : String(error) }),
  );
  console.log(JSON.stringify(outcome));
}
