/**
 * Options that several commands share.
 * @module
 */
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { RETRY_FOR_MS } from "../../client/connection/limits.ts";
import { PROTOCOL_PARAMETERS } from "../../protocol/parameters.ts";
import { printable } from "../../support/printable.ts";
import { DURATION, parseDurationOrZero } from "./duration.ts";
import { messagesOn } from "./messages.ts";
import { print } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Creates a command that throws instead of ending the process, and reports errors in one line. */
export function bareCommand(name: string): Command {
  return new Command(name)
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: (text) => messagesOn(2).say(text),
      outputError: (text, print) => {
        const line = text
          .trim()
          .replace(/^error: /, "")
          .replace(/\s*\n\s*/g, " ");
        print(`${commandLine(name)}: ${printable(line)}\n`);
      },
    });
}

/** Variables that must not be empty: without them, a server that asks for tokens would silently be open to all. */
const NEVER_EMPTY: ReadonlySet<string> = new Set(["HTTPFSTREAM_KEY", "HTTPFSTREAM_JWKS", "HTTPFSTREAM_ANONYMOUS"]);

/**
 * Deletes empty environment variables of a command's options. `NAME=` in an environment file of a container means
 * unset, but commander treats it as a value. An option that protects the server rejects an empty value instead.
 */
export function forgetEmptyVariables(command: Command): void {
  for (const { envVar } of command.options) {
    if (envVar !== undefined && !NEVER_EMPTY.has(envVar) && process.env[envVar]?.trim() === "")
      delete process.env[envVar];
  }
}

/**
 * The words that a user types to run a command, for examples.
 *
 * @example
 * ```ts
 * commandLine("append"); // "httpfstream append"
 * ```
 */
export function commandLine(name: string): string {
  return name.startsWith("httpfstream") ? name : `httpfstream ${name}`;
}

/** Wraps a parser so that its errors become commander's `InvalidArgumentError`. */
export function parsed<T>(parse: (text: string, previous: T) => T): (text: string, previous: T) => T {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

/** Parses `Name: value` and adds it to the previous headers. */
const parseHeader: (text: string, previous: Record<string, string>) => Record<string, string> = parsed(
  (text, previous) => {
    const [, name, value] = /^([^:]+):(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new TypeError('It must be "Name: value".');
    new Headers({ [name]: value });
    return { ...previous, [name]: value.trim() };
  },
);

/** The option `--header` of `append` and `follow`. */
export function headerOption(): Option {
  return new Option("-H, --header <line>", 'request header, as "Name: value"; repeatable')
    .default({}, "none")
    .argParser(parseHeader);
}

/** Parses `NAME=VALUE`, encodes it and adds it to the previous parameters. */
const parseParameter: (text: string, previous: string) => string = parsed((text, previous) => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new TypeError("It must be NAME=VALUE.");
  if (PROTOCOL_PARAMETERS.includes(name))
    throw new TypeError(`"${name}" is a parameter of the server itself, not of a proxy or guard.`);
  return `${previous}${previous && "&"}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
});

/** The option `--query` of `append` and `follow`. */
export function queryOption(): Option {
  return new Option("--query <name=value>", "query parameter for a proxy or guard in front of the server; repeatable")
    .default("", "none")
    .argParser(parseParameter);
}

/** The option `--protocol` of `append` and `follow`. */
export function protocolOption(): Option {
  return new Option(
    "--protocol <name>",
    "use Durable Streams with any server; by default, only with servers that support nothing else",
  ).choices(["durable-streams"]);
}

/** The option `--retry-for` of `append` and `follow`, in seconds. Default 120. */
export function retryOption(): Option {
  const meaning = `how long to keep reconnecting without progress: ${DURATION}; 0 disables reconnecting`;
  return new Option("--retry-for <duration>", meaning)
    .default(RETRY_FOR_MS / 1000, `${RETRY_FOR_MS / 1000}s`)
    .argParser(parsed((text) => parseDurationOrZero(text)));
}

/**
 * Parses a file name.
 *
 * @throws {InvalidArgumentError} for an empty name, which usually comes from an unset shell variable.
 */
export function parseFileName(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty; it must be the name of a file.");
  return text;
}

/**
 * Parses a whole number of bytes.
 *
 * @throws {InvalidArgumentError} for anything else.
 * @example
 * ```ts
 * parseBytes("1024"); // 1024
 * ```
 */
export function parseBytes(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError("It must be a whole number of bytes.");
  }
  return Number(text);
}

/** A usage error that was detected while the command ran. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}
