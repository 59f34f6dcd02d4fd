/**
 * `httpfstream serve`: the standalone server.
 * @module
 */
import { getLogLevels } from "@logtape/logtape";
import { type Command, Option } from "commander";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../engine/limits.ts";
import { DELETES } from "../../server/request/deletes.ts";
import { Hosts } from "../../server/request/host.ts";
import { Origins } from "../../server/request/origin.ts";
import { TrustedProxies } from "../../server/request/trusted-proxies.ts";
import { DURABILITIES } from "../../stores/file/durability.ts";
import { explained } from "../../support/printable.ts";
import { bareCommand, commandLine, parsed, WrongUsage } from "../common/options.ts";
import { addToggle } from "../common/toggle.ts";
import { addNatsOptions } from "../stores/options.ts";
import { addGateOptions } from "./gate-options.ts";
import { type ListenAddress, parseListenAddress, parsePort } from "./listen-address.ts";
import { LOG_FORMATS } from "./log.ts";
import type { ServeFlags } from "./serve-flags.ts";

/** Maximum number of workers: more than any machine has processors for is a mistake. */
const MAX_WORKERS = 512;

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function serveCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const command = bareCommand(name)
    .argument("[address]", "the same as --http", parsed(parseListenAddress))
    .description("Serve a folder of streams: one program appends to a path, many follow it, and it stays a plain file.")
    .addOption(
      new Option("--root <dir>", "folder to serve; created if it does not exist")
        .default("./data")
        .env("HTTPFSTREAM_ROOT")
        .argParser(parsed(parseRoot)),
    )
    .addOption(
      // Parsed later: an error about a bad value would show a password in it.
      new Option("--store <url>", "store in place of --root: file:DIR, memory:, nats://HOST,… or tls://HOST,…")
        .default(undefined, "the folder of --root")
        .env("HTTPFSTREAM_STORE"),
    )
    .addOption(
      new Option("--http <[host]:port>", "address to listen on; without a host, all interfaces; port 0 for a free one")
        .default(parseListenAddress("127.0.0.1:8080"), "127.0.0.1:8080")
        .env("HTTPFSTREAM_HTTP")
        .argParser(parsed(parseListenAddress)),
    )
    .addOption(
      new Option("--port <port>", "the same as --http 127.0.0.1:PORT").argParser(parsed((text) => parsePort(text))),
    )
    .addOption(
      new Option("--admin <[host]:port>", "address of a second listener with /healthz, /readyz and /metrics")
        .env("HTTPFSTREAM_ADMIN")
        .argParser(parsed(parseListenAddress)),
    )
    .addOption(
      new Option("--workers <number>", "processes that serve the folder and share the port; auto for one per processor")
        .default(undefined, "this process serves")
        .env("HTTPFSTREAM_WORKERS")
        .argParser(parsed(parseWorkers)),
    )
    .addOption(
      new Option(
        "--durability <level>",
        "when a byte counts as stored: the operating system has it, or the disk has it",
      )
        .choices(DURABILITIES)
        .default("os")
        .env("HTTPFSTREAM_DURABILITY"),
    )
    .addOption(
      new Option("--host <name>", "host name of this server, besides localhost; repeatable; * for any")
        .default([], "any; on a loopback address only known ones, unless everything needs a token")
        .env("HTTPFSTREAM_HOST")
        .argParser(parsed(addHosts)),
    )
    .addOption(
      new Option(
        "--trusted-proxy <address>",
        "address or network of a proxy that sends the address of its clients; repeatable",
      )
        .default([], "none")
        .env("HTTPFSTREAM_TRUSTED_PROXY")
        .argParser(parsed(addProxies)),
    )
    .addOption(
      new Option(
        "--origin <url>",
        "origin whose pages may follow and append, besides the server's own; repeatable; * for any",
      )
        .default([], "none")
        .env("HTTPFSTREAM_ORIGIN")
        .argParser(parsed(addOrigins)),
    );
  addNatsOptions(command);
  addGateOptions(command);
  addToggle(command, {
    flag: "--cors",
    opposite: "--no-cors",
    description: "send CORS headers: pages of those origins, or of all without --origin, can read over plain HTTP",
    variable: "HTTPFSTREAM_CORS",
  });
  addToggle(command, {
    flag: "--no-listings",
    opposite: "--listings",
    description: "answer 404 for folders",
    variable: "HTTPFSTREAM_NO_LISTINGS",
  });
  addToggle(command, {
    flag: "--no-durable-streams",
    opposite: "--durable-streams",
    description: "answer PUT and POST without a verb with 405, and offer no server-sent events and no long-polls",
    variable: "HTTPFSTREAM_NO_DURABLE_STREAMS",
  });
  addToggle(command, {
    flag: "--no-viewer",
    opposite: "--viewer",
    description: "answer browsers with the bytes, not with a page that shows and follows them",
    variable: "HTTPFSTREAM_NO_VIEWER",
  });
  addToggle(command, {
    flag: "--webhooks",
    opposite: "--no-webhooks",
    description: "let clients subscribe to streams: the server sends requests to URLs of their choice",
    variable: "HTTPFSTREAM_WEBHOOKS",
  });
  return command
    .addOption(
      new Option("--public-url <url>", "public URL of this server, for the links in webhooks")
        .default(undefined, "that of the request that creates the subscription")
        .env("HTTPFSTREAM_PUBLIC_URL"),
    )
    .addOption(
      new Option(
        "--cache-seconds <seconds>",
        "seconds for which caches may keep the answer to a read; 0 to ask every time",
      )
        .default(0)
        .env("HTTPFSTREAM_CACHE_SECONDS")
        .argParser(parsed(parseSeconds)),
    )
    .addOption(
      new Option("--deletes <which>", "which resources clients may remove with DELETE")
        .choices(DELETES)
        .default(undefined, "created; all, if tokens are asked for")
        .env("HTTPFSTREAM_DELETES"),
    )
    .addOption(
      new Option("--limit <name=value>", "set a limit; repeatable")
        .default({}, "see below")
        .env("HTTPFSTREAM_LIMIT")
        .argParser(parsed(addLimits)),
    )
    .addOption(
      new Option("--log-format <format>", "format of the log")
        .choices(LOG_FORMATS)
        .default("text")
        .env("HTTPFSTREAM_LOG_FORMAT"),
    )
    .addOption(
      new Option("--log-level <level>", "lowest level that is logged")
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
  $ ${words} --store nats://n1,n2,n3 --replicas 3 --store-monitor http://n1:8222,http://n2:8222,http://n3:8222
                                                   one of several servers, on any number of machines
  $ ${words} --key key.json --anonymous 'read=/**'  ask for tokens, except to read
  $ ${words} --workers auto                         use all processors
  $ ${words} --limit idleTimeoutMs=600000           disconnect appenders that are silent for 10 minutes
  $ HTTPFSTREAM_LOG_FORMAT=json ${words}            log lines as JSON`,
    )
    .action(async (address: ListenAddress | undefined, flags: Omit<ServeFlags, "place">, command: Command) => {
      // Imported only now: the other commands start without loading the server.
      const [{ run }, { checkedPlace }] = await Promise.all([import("./run.ts"), import("./served-store.ts")]);
      const place = checkedPlace(flags, (option) => command.getOptionValueSource(option));
      finish(await run({ ...flags, http: addressOf(address, flags, command), place }));
    });
}

/**
 * Returns the address to listen on. The command line overrides the environment.
 *
 * @throws {WrongUsage} if the command line specifies it more than once.
 */
function addressOf(
  address: ListenAddress | undefined,
  { http, port }: Pick<ServeFlags, "http" | "port">,
  command: Command,
): ListenAddress {
  const said = [address !== undefined, port !== undefined, command.getOptionValueSource("http") === "cli"];
  if (said.filter(Boolean).length > 1) {
    throw new WrongUsage(
      "The address to listen on is given more than once. Give it as an argument, with --http or with --port.",
    );
  }
  if (address !== undefined) return address;
  return port === undefined ? http : parseListenAddress(String(port));
}

/** Rejects an empty value, which would mean the working directory: it usually comes from an unset shell variable. */
function parseRoot(text: string): string {
  if (text === "") throw new TypeError('It must name a folder; "." is the current one.');
  return text;
}

function parseWorkers(text: string): number | "auto" {
  if (text === "auto") return text;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_WORKERS) throw new TypeError(`It must be auto, or a number from 1 to ${MAX_WORKERS}.`);
  return count;
}

function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError("It must be a whole number of seconds.");
  return Number(text);
}

function addOrigins(text: string, previous: readonly string[]): string[] {
  const origins = splitList(text);
  new Origins(origins);
  return [...previous, ...origins];
}

function addHosts(text: string, previous: readonly string[]): string[] {
  const hosts = splitList(text);
  new Hosts(hosts);
  return [...previous, ...hosts];
}

function addProxies(text: string, previous: readonly string[]): string[] {
  const proxies = splitList(text);
  new TrustedProxies(proxies);
  return [...previous, ...proxies];
}

/** Splits a value at commas and white space, because an environment variable cannot be repeated. */
function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

function addLimits(text: string, previous: Partial<Limits>): Partial<Limits> {
  let limits: Record<string, number> = { ...previous };
  for (const pair of splitList(text)) {
    const [, name, value] = /^(\w+)=(\d+)$/.exec(pair) ?? [];
    if (name === undefined) throw new TypeError("It must be NAME=VALUE with a whole number.");
    // Assigning to the name `__proto__` would not create a property.
    limits = { ...limits, [name]: Number(value) };
  }
  try {
    resolveLimits(limits);
  } catch (error) {
    throw new TypeError(`${explained(error)} --help lists the limits.`);
  }
  return limits;
}
