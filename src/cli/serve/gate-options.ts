/**
 * The options of the gate: who may do what.
 * @module
 */
import { type Command, Option } from "commander";
import { addGrants, type Grants } from "../../auth/grants.ts";
import { parsed, parseFileName } from "../common/options.ts";

/** The options of the gate, parsed. */
export interface GateFlags {
  /** The file with the key that signs tokens. */
  readonly key?: string;
  /** The URL or the file of a set of keys. */
  readonly jwks?: URL | string;
  readonly audience: readonly string[];
  readonly issuer: readonly string[];
  readonly anonymous: Grants;
}

/**
 * Adds the options of the gate to a command.
 *
 * @returns The command.
 */
export function addGateOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--key <file>", "ask for tokens, signed with the key in this file, from httpfstream key")
        .env("HTTPFSTREAM_KEY")
        .argParser(parsed(parseKeyName)),
    )
    .addOption(
      new Option("--jwks <url-or-file>", "ask for tokens, signed with a key of this set (JWKS)")
        .env("HTTPFSTREAM_JWKS")
        .argParser(parsed(parseJwks)),
    )
    .addOption(
      new Option("--audience <name>", "audience that tokens must have; repeatable")
        .default([], "none: tokens with an audience are refused")
        .env("HTTPFSTREAM_AUDIENCE")
        .argParser(parsed(addNames)),
    )
    .addOption(
      new Option("--issuer <name>", "issuer that tokens must have; repeatable")
        .default([], "any")
        .env("HTTPFSTREAM_ISSUER")
        .argParser(parsed(addNames)),
    )
    .addOption(
      new Option("--anonymous <actions=path>", "what needs no token, such as read,list=/public/**; repeatable")
        .default({}, "nothing, with --key or --jwks")
        .env("HTTPFSTREAM_ANONYMOUS")
        .argParser(parsed(addGrants)),
    );
}

function parseKeyName(text: string): string {
  if (/^https?:/i.test(text))
    throw new TypeError("It must be the name of a file. A set of keys at a URL needs --jwks.");
  return parseFileName(text);
}

function parseJwks(text: string): URL | string {
  return /^https?:\/\//i.test(text) ? new URL(text) : parseFileName(text);
}

function addNames(text: string, previous: readonly string[]): string[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  if (names.length === 0) throw new TypeError("It is empty; it must be a name.");
  return [...previous, ...names];
}
