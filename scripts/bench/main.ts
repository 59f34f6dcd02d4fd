/** `npm run bench`: measures httpfstream and its peers. @module */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { HELP, parseOptions, UsageError } from "./options.ts";
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
process.once("SIGTERM", () => process.exit(143));

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) {
    const results = await run(options, (line) => console.error(line), interruption.signal);
    if (options.json !== undefined) writeFileSync(options.json, toJson(results));
    if (options.svg !== undefined) writeFileSync(options.svg, chart(results));
    console.log(table(results));
    if (results.failures.some(({ peer }) => results.peers[peer]?.isOurs)) process.exitCode = 1;
  } else {
    console.log(HELP);
  }
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof UsageError) && !code?.startsWith("ERR_PARSE_ARGS")) throw error;
  console.error(`${message} See npm run bench -- --help.`);
  process.exitCode = 2;
}
