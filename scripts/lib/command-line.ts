/**
 * What the command lines of the scripts have in common.
 * @module
 */
import process from "node:process";

/** An invalid command line. */
export class UsageError extends Error {}

/**
 * Returns the name that equals the value of an option.
 *
 * @throws {UsageError} if there is none.
 */
export function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new UsageError(`${option} is one of ${names.join(", ")}, not "${value}".`);
  return found;
}

/**
 * Runs `npm run NAME` with the options, or prints `help` if there are none. For an invalid command line, says so and sets
 * the exit code 2.
 */
export async function runScript<Options>(
  name: string,
  help: string,
  parse: (args: readonly string[]) => Options | undefined,
  run: (options: Options) => Promise<void>,
): Promise<void> {
  process.once("SIGTERM", () => process.exit(143));
  try {
    const options = parse(process.argv.slice(2));
    if (options === undefined) console.log(help);
    else await run(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof UsageError) && !code?.startsWith("ERR_PARSE_ARGS")) throw error;
    console.error(`${message} See npm run ${name} -- --help.`);
    process.exitCode = 2;
  }
}
