/**
 * What the options of several commands have in common.
 * @module
 */
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { RETRY_FOR_MS } from "../../client/connection/limits.ts";
import { printable } from "../../support/printable.ts";
import { messagesOn } from "./messages.ts";
import { OWN_PARAMETERS } from "./resource-url.ts";
import { print } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** A command that throws where commander would end the process, and complains in one line. */
export function bareCommand(name: string): Command {
  return new Command(name)
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: (text) => messagesOn(2).say(text),
      outputError: (text, print) => print(`${printable(text.trim().replace(/\s*\n\s*/g, " "))}\n`),
    });
}

/**
 * Forgets the variables of a command's options that are empty: `NAME=` in a file of variables, as containers are given,
 * means that nothing is set. For commander it is a value.
 */
export function forgetEmptyVariables(command: Command): void {
  for (const { envVar } of command.options) {
    if (envVar !== undefined && process.env[envVar]?.trim() === "") delete process.env[envVar];
  }
}

/** What a user types to run a command, for examples. */
export function commandLine(name: string): string {
  return name.startsWith("httpfstream") ? name : `httpfstream ${name}`;
}

/** Makes a parser of option values out of a function that throws. */
export function parsed<T>(parse: (text: string, previous: T) => T): (text: string, previous: T) => T {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

/** `Name: value`, added to those before it. */
const parseHeader: (text: string, previous: Record<string, string>) => Record<string, string> = parsed(
  (text, previous) => {
    const [, name, value] = /^([^:]+):(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new TypeError('It must be "Name: value".');
    new Headers({ [name]: value });
    return { ...previous, [name]: value.trim() };
  },
);

/** `--header`, which `append` and `follow` have in common. */
export function headerOption(): Option {
  return new Option("-H, --header <line>", 'header to send along, as "Name: value"; repeatable')
    .default({}, "none")
    .argParser(parseHeader);
}

/** `NAME=VALUE`, encoded, behind those before it. */
const parseParameter: (text: string, previous: string) => string = parsed((text, previous) => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new TypeError("It must be NAME=VALUE.");
  if (OWN_PARAMETERS.has(name))
    throw new TypeError(`"${name}" is not for a proxy or a guard, but for the server itself.`);
  return `${previous}${previous && "&"}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
});

/** `--query`, likewise. */
export function queryOption(): Option {
  return new Option("--query <name=value>", "query parameter for a proxy or a guard in front of the server; repeatable")
    .default("", "none")
    .argParser(parseParameter);
}

/** `--retry-for`, likewise. */
export function retryOption(): Option {
  return new Option("--retry-for <seconds>", "how long to try again, without progress, when a connection breaks")
    .default(RETRY_FOR_MS / 1000)
    .argParser(parseSeconds);
}

function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError("It must be a whole number of seconds; 0 for not at all.");
  return Number(text);
}

/** The name of a file, which a variable without a value would leave empty. */
export function parseFileName(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must be the name of a file, and is empty.");
  return text;
}

/** A whole number of bytes. */
export function parseBytes(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError("It must be a whole number of bytes.");
  }
  return Number(text);
}

/** A command was called the wrong way, which only showed while it ran. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}
