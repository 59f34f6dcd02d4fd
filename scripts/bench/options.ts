/** The command line of the benchmark. @module */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { oneOf, UsageError } from "../lib/command-line.ts";
import { RUNTIMES } from "./peers/peer.ts";
import { SIZE_NAMES, sizeOf } from "./size.ts";

/** The output of `--help`. */
export const HELP = `Usage: npm run bench -- [option ...]

Measures this checkout and its peers, all in one run, and prints a table.

  --only WORD,...     loads whose names have one of the words in them: flood, paced, ingest, catch-up, memory,
                      connect, paths, join, streams, workers
  --peers NAME,...    only these: httpfstream[-deno|-bun][-classic|-http|-streams|-disk|-posted|-workers], bare, nchan,
                      durable[-memory], sendfile, cat; with tokens, for connect: httpfstream-hs256|-eddsa[-each][-http]
  --runtime NAME,...  run ours only on these: ${RUNTIMES.join(", ")} (default: all)
  --url URL           measure the server that runs there, over plain HTTP, instead of ours: running[-classic|-http|-streams]
  --size NAME         ${SIZE_NAMES.join(", ")} (default: full); --quick is short for --size quick, for every day
  --rounds N          how often each is measured (default: what the size says)
  --json FILE         write the results
  --svg FILE          draw a chart
  --against FILE      measure another build's mod.js beside this checkout; its peers are named other[-classic|-http]
  --profile DIR       write a CPU profile of our server on Node for each measurement
  --help              this text

It takes more than an hour in full, and wants the machine for itself. Ctrl-C ends it with what there is by then. This one has ${availableParallelism()} processors.
`;

/** The options of a run. {@link HELP} describes them. */
export type Options = NonNullable<ReturnType<typeof parseOptions>>;

/** Parses the arguments. Returns undefined for `--help`. Throws a {@link UsageError}, or the TypeError of `parseArgs`. */
export function parseOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true, default: [] as string[] } as const;
  const flag = { type: "boolean" } as const;
  const lists = { only: list, peers: list, runtime: { ...list, default: [...RUNTIMES] } };
  const texts = { url: text, size: { ...text, default: "full" }, rounds: text, against: text, profile: text };
  const all = { ...lists, ...texts, json: text, svg: text, quick: flag, help: flag };
  const { values } = parseArgs({ args: [...args], options: all });
  const { help, quick, only, peers, runtime, against, profile } = values;
  if (help) return undefined;
  const size = quick ? "quick" : oneOf("--size", values.size, SIZE_NAMES);
  const { url, rounds = String(sizeOf(size).rounds), json, svg } = values;
  if (!/^[1-9]\d*$/.test(rounds)) throw new UsageError(`--rounds is a whole number from 1 on, not "${rounds}".`);
  if (url !== undefined && !(URL.canParse(url) && url.startsWith("http:"))) {
    throw new UsageError(`--url is where a server runs over plain HTTP, as in http://host:8080, not "${url}".`);
  }
  return {
    ...{ size, rounds: Number(rounds), url, json, svg, only: words(only), peers: words(peers) },
    runtimes: words(runtime).map((name) => oneOf("--runtime", name, RUNTIMES)),
    against: against && resolve(against),
    profile: profile && resolve(profile),
  };
}

function words(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).filter((word) => word !== "");
}
