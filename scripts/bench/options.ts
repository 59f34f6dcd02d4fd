/**
 * The command line of the benchmark.
 * @module
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { RUNTIMES, type Runtime } from "./peers/httpfstream.ts";
import { SIZES, type SizeName } from "./size.ts";

/** The options of a run. */
export interface Options {
  /** Words that select loads by parts of their names. Empty: all loads. */
  readonly only: readonly string[];
  /** The names of the peers to measure. Empty: all peers. */
  readonly peers: readonly string[];
  /** The runtimes on which httpfstream is measured. */
  readonly runtimes: readonly Runtime[];
  readonly size: SizeName;
  readonly rounds: number;
  /** The URL of a running server to measure instead of this checkout. */
  readonly url?: string;
  /** The path of another version's compiled `mod.js`, to be measured as well. */
  readonly against?: string;
  /** A folder for CPU profiles of the server on Node. */
  readonly profile?: string;
  /** The files to write results and a chart to. */
  readonly json?: string;
  readonly svg?: string;
}

/** The output of `--help`. */
export const HELP = `Usage: npm run bench -- [option ...]

Measures this checkout and its peers, all in one run, and prints a table.

  --only WORD,...     loads whose names have one of the words in them: flood, paced, ingest, catch-up, memory,
                      connect, paths, join
  --peers NAME,...    only these: httpfstream[-deno|-bun][-classic|-http], bare, nchan, durable, bare-read,
                      sendfile, cat
  --runtime NAME,...  run ours only on these: ${RUNTIMES.join(", ")} (default: all)
  --url URL           measure the server that runs there, over plain HTTP, instead of ours: running[-classic|-http]
  --quick             smaller and shorter, for every day
  --size NAME         ${Object.keys(SIZES).join(", ")} (default: full)
  --rounds N          how often each is measured (default: what the size says)
  --json FILE         write the results
  --svg FILE          draw a chart
  --against FILE      measure another build's mod.js beside this checkout; its peers are named other[-classic|-http]
  --profile DIR       write a CPU profile of our server on Node for each measurement
  --help              this text

It takes more than an hour in full, and wants the machine for itself. Ctrl-C ends it with what there is by then. This one has ${availableParallelism()} processors.
`;

/** An invalid command line. */
export class UsageError extends Error {}

/**
 * Parses the arguments.
 *
 * @returns The options, or undefined if `--help` was given.
 * @throws {UsageError} if an argument is unknown or invalid.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const size = values.quick ? "quick" : oneOf("--size", values.size, Object.keys(SIZES) as SizeName[]);
  return {
    only: words(values.only),
    peers: words(values.peers),
    runtimes: words(values.runtime).map((name) => oneOf("--runtime", name, RUNTIMES)),
    size,
    rounds: values.rounds === undefined ? SIZES[size].rounds : count("--rounds", values.rounds),
    ...(values.url === undefined ? {} : { url: plainUrl(values.url) }),
    ...(values.against === undefined ? {} : { against: resolve(values.against) }),
    ...(values.profile === undefined ? {} : { profile: resolve(values.profile) }),
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.svg === undefined ? {} : { svg: values.svg }),
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: list,
        peers: list,
        runtime: { ...list, default: [...RUNTIMES] },
        url: text,
        quick: flag,
        size: { ...text, default: "full" },
        rounds: text,
        against: text,
        profile: text,
        json: text,
        svg: text,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function plainUrl(value: string): string {
  if (URL.canParse(value) && new URL(value).protocol === "http:") return value;
  throw new UsageError(`--url is where a server runs over plain HTTP, as in http://host:8080, not "${value}".`);
}

function words(values: readonly string[] = []): string[] {
  return values.flatMap((value) => value.split(",")).filter((word) => word !== "");
}

function oneOf<Name extends string>(option: string, value: string | undefined, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw new UsageError(`${option} is one of ${names.join(", ")}, not "${value}".`);
  return found;
}

function count(option: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new UsageError(`${option} is a whole number from 1 on, not "${value}".`);
  return Number(value);
}
