/**
 * `httpfstream token`: prints a token that allows what the options say.
 * @module
 */
import { type Command, Option } from "commander";
import type { Grants } from "../../auth/grants.ts";
import { ACTIONS, type Action } from "../../server/gate/gate.ts";
import { Glob } from "../../support/glob.ts";
import { DURATION, parseDuration } from "../common/duration.ts";
import { DONE } from "../common/exit-codes.ts";
import { bareCommand, commandLine, parsed, parseFileName, WrongUsage } from "../common/options.ts";
import { parseUrl, withQuery } from "../common/resource-url.ts";
import { print } from "../common/terminal.ts";
import type { TokenOptions } from "./sign.ts";

type TokenFlags = TokenOptions & Record<Action, readonly string[]> & { readonly link?: string };

const DESCRIPTIONS: Readonly<Record<Action, string>> = {
  read: "paths that the token allows to read and follow",
  list: "folders that it allows to list; / is the root",
  append: "paths that it allows to append to, and to create",
  delete: "paths that it allows to remove",
};

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function tokenCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const command = bareCommand(name)
    .description("Print a token that allows what the options say.")
    .addOption(
      new Option("--key <file>", "file with the secret or private key that signs it, from httpfstream key; - for stdin")
        .env("HTTPFSTREAM_KEY")
        .makeOptionMandatory()
        .argParser(parseFileName),
    );
  for (const action of ACTIONS) {
    command.addOption(
      new Option(`--${action} <path>`, `${DESCRIPTIONS[action]}; repeatable`)
        .default([], "none")
        .argParser(parsed(addPath)),
    );
  }
  return command
    .addOption(
      new Option("--expires <duration>", `how long it is valid: ${DURATION}; or never`)
        .makeOptionMandatory()
        .argParser(parsed((text) => (text === "never" ? text : parseDuration(text)))),
    )
    .addOption(
      new Option("--audience <name>", "the server that it is for, if that server runs with --audience").argParser(
        named,
      ),
    )
    .addOption(
      new Option("--subject <name>", "the user or program that it is for; the server does not read it").argParser(
        named,
      ),
    )
    .addOption(
      new Option("--link <url>", "print this URL with the token in it instead, for a browser").argParser(parseUrl),
    )
    .addHelpText(
      "after",
      `
In a path, * stands for any run of characters within a segment, and a segment ** for any number of segments. Quote them.
A token can't be revoked. To revoke all tokens of a key, replace the key.

Examples:
  $ ${words} --key key.json --append /build/42.log --expires 2h
  $ ${words} --key key.json --read '/build/**' --list '/build/**' --expires 7d
  $ ${words} --key key.json --read /build/42.log --expires 1d --link http://localhost:8080/build/42.log`,
    )
    .action(async (flags: TokenFlags) => {
      const grants = grantsOf(flags);
      const place = placeOf(flags.link);
      // Imported only now: the other commands start without loading cryptography.
      const { signedToken } = await import("./sign.ts");
      print(`${place(await signedToken(flags, grants))}\n`);
      finish(DONE);
    });
}

function grantsOf(flags: TokenFlags): Grants {
  const given = ACTIONS.filter((action) => flags[action].length > 0);
  if (given.length > 0) return Object.fromEntries(given.map((action) => [action, flags[action]]));
  throw new WrongUsage("The token would allow nothing. Give at least one of --read, --list, --append and --delete.");
}

/** Returns a function that puts a token where it is printed. */
function placeOf(link: string | undefined): (token: string) => string {
  if (link === undefined) return (token) => token;
  if (/[?&]access_token=/.test(link)) throw new WrongUsage("The URL of --link has a token already. Leave it out.");
  return (token) => withQuery(link, `access_token=${token}`);
}

function addPath(text: string, previous: readonly string[]): string[] {
  new Glob(text);
  return [...previous, text];
}

/** Rejects an empty name, which usually comes from an unset shell variable. */
const named: (text: string, previous: string) => string = parsed((text) => {
  if (text === "") throw new TypeError("It is empty; it must be a name.");
  return text;
});
