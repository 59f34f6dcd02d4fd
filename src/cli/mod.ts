/**
 * The commands `httpfstream serve | append | follow | ls | stat | rm | copy | key | token`, and the three commands of the
 * original.
 * @module
 */
import { type Command, CommanderError } from "commander";
import { errorLine } from "./common/error-line.ts";
import { DONE, FAILED, WRONG_USAGE } from "./common/exit-codes.ts";
import { bareCommand, forgetEmptyVariables, WrongUsage } from "./common/options.ts";
import { exitWhenWritten, printed, say } from "./common/terminal.ts";
import { fromGoFlags } from "./go-flags.ts";

/** The names of the original's commands. */
export type OriginalName = "httpfstream-server" | "httpfstream-append" | "httpfstream-follow";

type Finish = (code: number) => void;

/** Loads a command. Each has libraries of its own, which would slow down the start of all others. */
type Loader = (finish: Finish) => Promise<Command>;

const COMMANDS = {
  serve: async (finish) => (await import("./serve/mod.ts")).serveCommand("serve", finish),
  append: async (finish) => (await import("./append/mod.ts")).appendCommand("append", finish),
  follow: async (finish) => (await import("./follow/mod.ts")).followCommand("follow", finish),
  ls: async (finish) => (await import("./ls/mod.ts")).listCommand("ls", finish),
  stat: async (finish) => (await import("./stat/mod.ts")).statCommand("stat", finish),
  rm: async (finish) => (await import("./rm/mod.ts")).removeCommand("rm", finish),
  copy: async (finish) => (await import("./copy/mod.ts")).copyCommand("copy", finish),
  key: async (finish) => (await import("./key/mod.ts")).keyCommand("key", finish),
  token: async (finish) => (await import("./token/mod.ts")).tokenCommand("token", finish),
} satisfies Record<string, Loader>;

const ORIGINALS: Record<OriginalName, Loader> = {
  "httpfstream-server": async (finish) => (await import("./serve/mod.ts")).serveCommand("httpfstream-server", finish),
  "httpfstream-append": async (finish) => (await import("./append/mod.ts")).appendCommand("httpfstream-append", finish),
  "httpfstream-follow": async (finish) =>
    (await import("./follow/mod.ts")).followCommand("httpfstream-follow", finish, true),
};

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
  const [first = ""] = args;
  const isOwn = ["help", "-h", "--help", "-help", "-V", "--version"].includes(first);
  const known = nameOf(first);
  const name = known ?? (isOwn ? undefined : options.fallback);
  // Help, and the hint at a mistyped name, need all of them.
  const loaders: readonly Loader[] = name === undefined ? Object.values(COMMANDS) : [COMMANDS[name]];
  const commands = await Promise.all(loaders.map((load) => load(finish)));
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
  const chosen = name === undefined ? undefined : commands[0];
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
  const command = await ORIGINALS[name](finish);
  await run(command, fromGoFlags(args, command), name, () => code);
}

function nameOf(word: string): keyof typeof COMMANDS | undefined {
  return Object.hasOwn(COMMANDS, word) ? (word as keyof typeof COMMANDS) : undefined;
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
