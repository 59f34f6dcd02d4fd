/** `npm run bench:viewer`: measures the viewer page beside other pages that show a log. @module */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { runScript } from "../lib/command-line.ts";
import { ROOT } from "../lib/install.mjs";
import { HELP, parseOptions } from "./options.ts";
import { asMarkdown, asText } from "./report.ts";
import { run } from "./run.ts";

const PAGE = join(ROOT, "docs", "performance.md");
const [BEGIN, END] = ["<!-- bench:viewer -->", "<!-- /bench:viewer -->"] as const;

const interruption = new AbortController();
process.once("SIGINT", () => {
  console.error("Ends after this measurement, with what there is. Once more, and it ends now.");
  interruption.abort();
  process.once("SIGINT", () => process.exit(130));
});

await runScript("bench:viewer", HELP, parseOptions, async (options) => {
  const results = await run(options, (line) => console.error(line), interruption.signal);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, undefined, 1)}\n`);
  if (options.write) {
    const [before, after] = [readFileSync(PAGE, "utf8").split(BEGIN)[0], readFileSync(PAGE, "utf8").split(END)[1]];
    if (before === undefined || after === undefined) throw new Error(`${PAGE} has no "${BEGIN}" and "${END}".`);
    writeFileSync(PAGE, `${before}${BEGIN}\n\n${asMarkdown(results)}\n\n${END}${after}`);
  }
  console.log(asText(results));
  const ours = results.rows.filter(({ candidate, part }) => candidate === "httpfstream" || part === "answers");
  if (ours.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
});
