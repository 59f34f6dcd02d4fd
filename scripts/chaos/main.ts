/**
 * `npm run chaos`: checks that no byte is lost or duplicated while the network and the servers keep failing.
 * @module
 */
import process from "node:process";
import { runScript } from "../lib/command-line.ts";
import { runCluster } from "./cluster/run.ts";
import { HELP, parseOptions } from "./options.ts";
import { commandOf, report } from "./report.ts";
import { run } from "./run.ts";

process.once("SIGINT", () => process.exit(130));

await runScript("chaos", HELP, parseOptions, async (options) => {
  console.error(commandOf(options));
  const outcome = await (options.cluster ? runCluster : run)(options, (line) => console.error(line));
  console.log(report(options, outcome));
  // Exit explicitly: hanging clients must not keep the process alive.
  process.exit(outcome.ledger.problems.length === 0 ? 0 : 1);
});
