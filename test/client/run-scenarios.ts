/**
 * Runs every scenario against the folder that is named, on whatever runtime this is, and prints a line of JSON for each.
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
