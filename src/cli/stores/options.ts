/**
 * The options of a store on NATS, for all commands that open one.
 * @module
 */
import { type Command, Option } from "commander";
import { parseBytes, parsed, parseFileName } from "../common/options.ts";
import { addToggle } from "../common/toggle.ts";

/** The options of a store on NATS, parsed. */
export interface NatsFlags {
  /** On how many servers each byte is stored: 1, 3 or 5. */
  readonly replicas?: string;
  readonly storePrefix?: string;
  /** Bytes of all paths together. */
  readonly storeMaxBytes?: number;
  /** The name of a file with NATS credentials. */
  readonly storeCreds?: string;
  /** The name of a file with the seed of an nkey. */
  readonly storeNkey?: string;
  /** The names of files with certificates in PEM. */
  readonly storeCa?: string;
  readonly storeCert?: string;
  readonly storeKey?: string;
  /** The URLs of the monitoring ports. */
  readonly storeMonitor: readonly string[];
  readonly storeUnsafeSync?: boolean;
}

/**
 * Adds these options to a command.
 *
 * @returns The command.
 */
export function addNatsOptions(command: Command): Command {
  command
    .addOption(
      new Option("--replicas <number>", "on how many NATS servers each byte is stored")
        .choices(["1", "3", "5"])
        .default(undefined, "1")
        .env("HTTPFSTREAM_REPLICAS"),
    )
    .addOption(
      new Option("--store-prefix <name>", "name of the installation, for several on the same NATS servers")
        .default(undefined, "hfs")
        .env("HTTPFSTREAM_STORE_PREFIX"),
    )
    .addOption(
      new Option(
        "--store-max-bytes <bytes>",
        "bytes of all paths at which appends are refused; fixed at the first start",
      )
        .default(undefined, "80 % of what the NATS servers offer")
        .env("HTTPFSTREAM_STORE_MAX_BYTES")
        .argParser(parsed(parseBytes)),
    );
  for (const [flag, what, variable] of FILES) {
    command.addOption(new Option(`${flag} <file>`, what).env(variable).argParser(parsed(parseFileName)));
  }
  command.addOption(
    new Option("--store-monitor <url>", "monitoring port of each NATS server, such as http://n1:8222; repeatable")
      .default([], "none")
      .env("HTTPFSTREAM_STORE_MONITOR")
      .argParser(parsed(addMonitors)),
  );
  return addToggle(command, {
    flag: "--store-unsafe-sync",
    opposite: "--no-store-unsafe-sync",
    description: "do without the proof that the NATS servers write to their disks before they acknowledge",
    variable: "HTTPFSTREAM_STORE_UNSAFE_SYNC",
  });
}

const FILES: readonly (readonly [flag: string, what: string, variable: string])[] = [
  ["--store-creds", "file with the NATS credentials (.creds)", "HTTPFSTREAM_STORE_CREDS"],
  ["--store-nkey", "file with the seed of an nkey", "HTTPFSTREAM_STORE_NKEY"],
  ["--store-ca", "file with certificates of authorities, in PEM, for TLS to the NATS servers", "HTTPFSTREAM_STORE_CA"],
  ["--store-cert", "file with this server's certificate for the NATS servers, in PEM", "HTTPFSTREAM_STORE_CERT"],
  ["--store-key", "file with the private key of that certificate, in PEM", "HTTPFSTREAM_STORE_KEY"],
];

/** Splits a value at commas and white space, because an environment variable cannot be repeated. */
function addMonitors(text: string, previous: readonly string[]): string[] {
  const urls = text.split(/[\s,]+/).filter((part) => part !== "");
  for (const url of urls) {
    if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
      throw new TypeError("It must be the URL of a monitoring port, such as http://n1:8222.");
    }
  }
  return [...previous, ...urls];
}
