/**
 * `httpfstream serve`: the standalone server.
 * @module
 */
import { getLogLevels } from "@logtape/logtape";
import { type Command, Option } from "commander";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../core/limits.ts";
import { Hosts } from "../faces/host.ts";
import { Origins } from "../faces/origin.ts";
import { DURABILITIES } from "../stores/file/durability.ts";
import { type ListenAddress, parseListenAddress, parsePort } from "./listen-address.ts";
import { LOG_FORMATS } from "./log.ts";
import { bareCommand, parsed, typed, WrongUsage } from "./options.ts";
import type { ServeFlags } from "./serve-run.ts";
import { addToggle } from "./toggle.ts";

/**
 * The command.
 *
 * @param name What it is called by.
 * @param finish Takes its exit code.
 */
export function serveCommand(name: string, finish: (code: number) => void): Command {
  const words = typed(name);
  const command = bareCommand(name)
    .argument("[address]", "the same as --http", parsed(parseListenAddress))
    .description("Serve a folder of streams: one appends to a path, many follow it, and it is kept as a plain file.")
    .addOption(
      new Option("--root <dir>", "folder to serve, made when it does not exist")
        .default("./data")
        .env("HTTPFSTREAM_ROOT")
        .argParser(parsed(parseRoot)),
    )
    .addOption(
      new Option("--http <[host]:port>", "where to listen; without a host on all interfaces; port 0 takes a free one")
        .default(parseListenAddress("127.0.0.1:8080"), "127.0.0.1:8080")
        .env("HTTPFSTREAM_HTTP")
        .argParser(parsed(parseListenAddress)),
    )
    .addOption(
      new Option("--port <port>", "the same as --http 127.0.0.1:PORT").argParser(parsed((text) => parsePort(text))),
    )
    .addOption(
      new Option("--durability <level>", "when a byte counts as stored: the system has it, or the disk has it")
        .choices(DURABILITIES)
        .default("os")
        .env("HTTPFSTREAM_DURABILITY"),
    )
    .addOption(
      new Option("--host <name>", "name by which clients and proxies call this server, beside localhost; repeatable")
        .default([], "any, unless only this machine reaches it")
        .env("HTTPFSTREAM_HOST")
        .argParser(parsed(addHosts)),
    )
    .addOption(
      new Option("--origin <url>", "origin of web pages that may follow and append, beside our own; repeatable")
        .default([], "none")
        .env("HTTPFSTREAM_ORIGIN")
        .argParser(parsed(addOrigins)),
    );
  addToggle(command, {
    flag: "--cors",
    opposite: "--no-cors",
    description: "let pages of those origins, or of any, read by plain HTTP",
    variable: "HTTPFSTREAM_CORS",
  });
  addToggle(command, {
    flag: "--no-listings",
    opposite: "--listings",
    description: "answer 404 for folders",
    variable: "HTTPFSTREAM_NO_LISTINGS",
  });
  return command
    .addOption(
      new Option("--limit <name=value>", "set a limit; repeatable")
        .default({}, "see below")
        .env("HTTPFSTREAM_LIMIT")
        .argParser(parsed(addLimits)),
    )
    .addOption(
      new Option("--log-format <format>", "form of the log")
        .choices(LOG_FORMATS)
        .default("text")
        .env("HTTPFSTREAM_LOG_FORMAT"),
    )
    .addOption(
      new Option("--log-level <level>", "least important level that is logged")
        .choices(getLogLevels())
        .default("info")
        .env("HTTPFSTREAM_LOG_LEVEL"),
    )
    .addHelpText(
      "after",
      `
Limits and their defaults:
${Object.entries(DEFAULT_LIMITS)
  .map(([limit, value]) => `  ${limit}=${value}`)
  .join("\n")}

Examples:
  $ ${words}                                        serve ./data on 127.0.0.1:8080
  $ ${words} 9000                                   the same on port 9000
  $ ${words} --root /srv/logs --http :8080          all interfaces
  $ ${words} --host streams.example.com             behind a proxy that has this name
  $ ${words} --limit idleTimeoutMs=600000           cut off appenders that are silent for 10 minutes
  $ HTTPFSTREAM_LOG_FORMAT=json ${words}            log lines for machines`,
    )
    .action(async (address: ListenAddress | undefined, flags: ServeFlags, command: Command) => {
      // Imported only now: the other commands start without loading the server.
      const { run } = await import("./serve-run.ts");
      finish(await run({ ...flags, http: placeOf(address, flags, command) }));
    });
}

/** @throws {WrongUsage} when it is said twice; what stands in the environment gives way. */
function placeOf(address: ListenAddress | undefined, { http, port }: ServeFlags, command: Command): ListenAddress {
  const said = [address !== undefined, port !== undefined, command.getOptionValueSource("http") === "cli"];
  if (said.filter(Boolean).length > 1) {
    throw new WrongUsage("Say once where to listen: as an argument, with --http or with --port.");
  }
  if (address !== undefined) return address;
  return port === undefined ? http : parseListenAddress(String(port));
}

/** Empty, it would be the working directory: a script whose variable is not set does not mean that. */
function parseRoot(text: string): string {
  if (text === "") throw new TypeError('It must name a folder; "." is this one.');
  return text;
}

function addOrigins(text: string, previous: readonly string[]): string[] {
  const origins = listed(text);
  new Origins(origins);
  return [...previous, ...origins];
}

function addHosts(text: string, previous: readonly string[]): string[] {
  const hosts = listed(text);
  new Hosts(hosts);
  return [...previous, ...hosts];
}

/** Several may stand in one value, as an environment variable has no other way. */
function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

function addLimits(text: string, previous: Partial<Limits>): Partial<Limits> {
  let limits: Record<string, number> = { ...previous };
  for (const pair of listed(text)) {
    const [, name, value] = /^(\w+)=(\d+)$/.exec(pair) ?? [];
    if (name === undefined) throw new TypeError("It must be NAME=VALUE with a whole number.");
    // Not by assignment, which would set no property of the name `__proto__`.
    limits = { ...limits, [name]: Number(value) };
  }
  resolveLimits(limits);
  return limits;
}
