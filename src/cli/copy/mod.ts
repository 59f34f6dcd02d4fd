/**
 * `httpfstream copy`: copies the paths of one store to another one.
 * @module
 */
import process from "node:process";
import { type Command, Option } from "commander";
import { checkedPath } from "../../protocol/path.ts";
import { explained } from "../../support/printable.ts";
import { bareCommand, commandLine, parsed, WrongUsage } from "../common/options.ts";
import { checkNatsFlags, refuseVisibleCredentials } from "../stores/check.ts";
import { addNatsOptions } from "../stores/options.ts";
import { parseStoreUrl, type StorePlace } from "../stores/store-url.ts";
import type { CopyFlags } from "./run.ts";

/** Maximum number of paths that are copied at a time. */
const MAX_JOBS = 256;

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function copyCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  const command = bareCommand(name)
    .description("Copy the paths of a store to another one, and verify each by its SHA-256.")
    .argument("<from>", "URL of the store to copy from; env:NAME for the one in a variable")
    .argument("<to>", "URL of the store to copy to; env:NAME for the one in a variable")
    .argument("[path...]", "paths of resources and folders to copy; without any, everything")
    .option("--live", "copy what is stored of paths that are being appended to; without it, they are refused")
    .option("--check", "copy nothing, and report what the destination lacks or has otherwise")
    .addOption(new Option("--jobs <number>", "paths that are copied at a time").default(8).argParser(parsed(parseJobs)))
    .option("-v, --verbose", "report each path on standard error");
  return addNatsOptions(command)
    .addHelpText(
      "after",
      `
A store is file:DIR, nats://HOST,… or tls://HOST,…. What is in the destination already stays if it is the beginning of the
path, and is completed: run the same command again to continue, or to copy what has come since. Exit codes: 0 all paths are
the same, 1 some are not, 2 wrong usage.

Examples:
  $ ${words} file:./data file:/mnt/backup
  $ ${words} file:./data nats://n1:4222 --store-monitor http://n1:8222
  $ HTTPFSTREAM_STORE=nats://me:secret@n1 ${words} env:HTTPFSTREAM_STORE file:./data --store-monitor http://n1:8222`,
    )
    .action(async (from: string, to: string, paths: readonly string[], flags: CopyFlags) => {
      const places = [placeOf(from, "The source"), placeOf(to, "The destination")] as const;
      checkNatsFlags(flags, places, "nats://… as the source or the destination");
      const roots = paths.map(rootOf);
      // Imported only now: the other commands start without loading the stores.
      const { runCopy } = await import("./run.ts");
      finish(await runCopy({ from: places[0], to: places[1], roots, flags, command: words }));
    });
}

/** The place that a URL, or a variable with one, names. */
function placeOf(text: string, name: string): StorePlace {
  const [, variable] = /^env:(.*)$/s.exec(text) ?? [];
  if (variable === undefined) {
    const place = parseStoreUrl(text, name);
    refuseVisibleCredentials(place, name);
    return place;
  }
  const url = process.env[variable];
  if (!url) throw new WrongUsage(`${name} is in the variable ${variable}, which is not set.`);
  return parseStoreUrl(url, `${name}, in the variable ${variable},`);
}

function parseJobs(text: string): number {
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > MAX_JOBS) throw new TypeError(`It must be a number from 1 to ${MAX_JOBS}.`);
  return jobs;
}

/** The path of a resource or folder, as the user types it. */
function rootOf(text: string): string {
  const path = text.replace(/^\/+|\/+$/g, "");
  if (path === "") return "";
  try {
    return checkedPath(path.split("/"));
  } catch (error) {
    throw new WrongUsage(`${JSON.stringify(text)} is no path: ${explained(error)}`);
  }
}
