/**
 * `npm run client-suite`: runs the client suite of Durable Streams, from a checkout of its repository, with this server.
 * @module
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { RUNTIMES, type Runtime } from "../../test/fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../../test/fixture/temp.ts";
import { ROOT } from "../lib/install.mjs";
import { layOut, NoSuiteError } from "./workspace.ts";

const HELP = `Usage: npm run client-suite -- [--server RUNTIME] DIR [-- ADAPTER [argument ...]]

Runs the client suite of Durable Streams with a server of this project. DIR is a checkout of
https://github.com/durable-streams/durable-streams; it needs no build, and is not changed. ADAPTER is the command of the
suite's program for another client, such as that for Python. Without it, the client is the package
@durable-streams/client.

  --server RUNTIME  what the server runs on: ${RUNTIMES.join(", ")} (default: node)
  --help            this text
`;

/** What the suite exports. */
interface Suite {
  runConformanceTests(options: { clientAdapter: string; clientArgs: string[] }): Promise<{
    readonly failed: number;
    readonly passed: number;
  }>;
}

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  const options = { server: { type: "string", default: "node" }, help: { type: "boolean", default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [checkout, ...command] = positionals;
  const runtime = RUNTIMES.find((name) => name === values.server);
  if (values.help) console.log(HELP);
  else if (checkout === undefined || !runtime) misused("Name a folder, and one of the runtimes.");
  else process.exitCode = (await run(resolve(checkout), runtime, command)) ? 0 : 1;
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof NoSuiteError) && !code?.startsWith("ERR_PARSE_ARGS")) throw error;
  misused(message);
}

/** Returns whether there were cases, and each of them has passed. */
async function run(checkout: string, runtime: Runtime, command: readonly string[]): Promise<boolean> {
  const folder = await temporaryFolder("client-suite");
  try {
    const { runner, adapter } = await layOut(folder, checkout, runtime);
    const tsx = pathToFileURL(join(ROOT, "node_modules", "tsx", "dist", "loader.mjs")).href;
    const [clientAdapter = process.execPath, ...given] = command;
    const clientArgs = command.length > 0 ? given : ["--import", tsx, adapter];
    const suite = (await import(pathToFileURL(runner).href)) as Suite;
    const { passed, failed } = await suite.runConformanceTests({ clientAdapter, clientArgs });
    return passed > 0 && failed === 0;
  } finally {
    await removeFolder(folder);
  }
}

function misused(message: string): void {
  console.error(`${message} See npm run client-suite -- --help.`);
  process.exitCode = 2;
}
