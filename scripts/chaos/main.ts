/**
 * `npm run chaos`: checks that no byte is lost or duplicated while the network and the servers keep failing.
 * @module
 */
import process from "node:process";
import { HELP, parseOptions, UsageError } from "./options.ts";
import { commandOf, report } from "./report.ts";
import { run } from "./run.ts";

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) {
    console.error(commandOf(options));
    const outcome = await run(options, (line) => console.error(line));
    console.log(report(options, outcome));
    // Exit explicitly: hanging clients must not keep the process alive.
    process.exit(outcome.ledger.problems.length === 0 ? 0 : 1);
  } else {
    console.log(HELP);
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message} See npm run chaos -- --help.`);
  process.exitCode = 2;
}
