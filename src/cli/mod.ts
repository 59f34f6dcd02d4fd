/**
 * The commands `httpfstream serve | append | follow | ls | stat | rm | key | token`, and the three commands of the original.
 * @module
 */
import { type Command, CommanderError } from "commander";
import { appendCommand } from "./append/mod.ts";
import { errorLine } from "./common/error-line.ts";
import { DONE, FAILED, WRONG_USAGE } from "./common/exit-codes.ts";
import { bareCommand, forgetEmptyVariables, WrongUsage } from "./common/options.ts";
import { exitWhenWritten, printed, say } from "./common/terminal.ts";
import { followCommand } from "./follow/mod.ts";
import { fromGoFlags } from "./go-flags.ts";
import { keyCommand } from "./key/mod.ts";
import { listCommand } from "./ls/mod.ts";
import { removeCommand } from "./rm/mod.ts";
import { serveCommand } from "./serve/mod.ts";
import { statCommand } from "./stat/mod.ts";
import { tokenCommand } from "./token/mod.ts";

/** The names of the original's commands. */
export type OriginalName = "httpfstream-server" | "httpfstream-append" | "httpfstream-follow";

type Finish = (code: number) => void;

/**
 * Runs `httpfstream` and ends the process with its exit code: 0 done, 1 refused or failed, 2 usage error, 128 plus the
 * number of the signal if interrupted (130 for Ctrl-C).
 *
 * @param args The arguments without the program name.
 * @param options `fallback`: the command to run if the arguments contain no command.
 */
export async function main(args: readonly string[], options: { fallback?: "serve" } = {}): Promise<void> {
  let code = DONE;
  const finish: Finish = (result) => {
    code = result;
  };
  const commands = [
    serveCommand("serve", finish),
    appendCommand("append", finish),
    followCommand("follow", finish),
    listCommand("ls", finish),
    statCommand("stat", finish),
    removeCommand("rm", finish),
    keyCommand("key", finish),
    tokenCommand("token", finish),
  ];
  const program = bareCommand("httpfstream")
    .description("One program writes, many watch: append to a URL, follow it live, keep it as a plain file.")
    .addHelpText(
      "after",
      `
Examples:
  $ httpfstream serve --root ./data --http :8080
  $ make 2>&1 | httpfstream append http://localhost:8080/build/42.log
  $ httpfstream follow http://localhost:8080/build/42.log`,
    );
  for (const command of commands) program.addCommand(command);
  const [first = ""] = args;
  const isOwn = ["help", "-h", "--help", "-help", "-V", "--version"].includes(first);
  const known = commands.find((command) => command.name() === first);
  const chosen =
    known ?? (options.fallback && !isOwn ? commands.find((own) => own.name() === options.fallback) : undefined);
  const rest = known ? args.slice(1) : args;
  const line = chosen ? [chosen.name(), ...fromGoFlags(rest, chosen)] : [...args];
  await run(program, line, chosen ? `httpfstream ${chosen.name()}` : "httpfstream", () => code);
}

/** Runs one of the original's commands under its own name, and ends the process. */
export async function mainAs(name: OriginalName, args: readonly string[]): Promise<void> {
  let code = DONE;
  const finish: Finish = (result) => {
    code = result;
  };
  const command = {
    "httpfstream-server": serveCommand,
    "httpfstream-append": appendCommand,
    "httpfstream-follow": (own: string, end: Finish) => followCommand(own, end, true),
  }[name](name, finish);
  await run(command, fromGoFlags(args, command), name, () => code);
}

async function run(command: Command, args: readonly string[], name: string, result: () => number): Promise<void> {
  for (const each of [command, ...command.commands]) forgetEmptyVariables(each);
  try {
    await command.parseAsync(args, { from: "user" }).catch((error: unknown) => {
      // Commander has printed the requested help or version.
      if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
    });
    await printed();
  } catch (error) {
    // Commander has already reported the error.
    if (error instanceof CommanderError) await exitWhenWritten(WRONG_USAGE);
    say(`${name}: ${errorLine(error)}`);
    await exitWhenWritten(error instanceof WrongUsage ? WRONG_USAGE : FAILED);
  }
  await exitWhenWritten(result());
}
