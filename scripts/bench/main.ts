/** `npm run bench`: measures httpfstream and its peers. @module */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { runScript } from "../lib/command-line.ts";
import { HELP, parseOptions } from "./options.ts";
import { chart } from "./report/chart.ts";
import { table } from "./report/table.ts";
import { toJson } from "./results.ts";
import { run } from "./run.ts";

const interruption = new AbortController();
process.once("SIGINT", () => {
  console.error("Ends after this measurement, with what there is. Once more, and it ends now.");
  interruption.abort();
  process.once("SIGINT", () => process.exit(130));
});

await runScript("bench", HELP, parseOptions, async (options) => {
  const results = await run(options, (line) => console.error(line), interruption.signal);
  if (options.json !== undefined) writeFileSync(options.json, toJson(results));
  if (options.svg !== undefined) writeFileSync(options.svg, chart(results));
  console.log(table(results));
  if (results.failures.some(({ peer }) => results.peers[peer]?.isOurs)) process.exitCode = 1;
});
