/**
 * Runs every scenario on the current runtime, against the URL of a folder in the first argument, and prints one line of
 * JSON per scenario.
 * @module
 */
import process from "node:process";
import { SCENARIOS } from "./scenarios.ts";

const folder = process.argv[2] as string;
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  const outcome = await scenario(folder).then(
    () => ({ name }),
    (error: unknown) => ({ name, error: error instanceof Error ? error.stack : String(error) }),
  );
  console.log(JSON.stringify(outcome));
}
