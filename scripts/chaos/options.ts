/**
 * The command line of the chaos test.
 * @module
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { DURABILITIES, type Durability } from "../../src/stores/file/durability.ts";
import { RUNTIMES, type Runtime } from "../../test/fixture/processes.ts";
import { oneOf, UsageError } from "../lib/command-line.ts";

export { UsageError };

/** The options of a run. */
export interface Options {
  /** For how many minutes new paths are started and faults are inflicted. */
  readonly minutes: number;
  readonly seed: number;
  /** How many paths are active at the same time. */
  readonly paths: number;
  /** How many paths have streams of the Durable Streams protocol at the same time. */
  readonly streams: number;
  /** How many followers each path has. */
  readonly followers: number;
  /** The runtime of each server. */
  readonly runtimes: readonly Runtime[];
  readonly durability: Durability;
  /** The share of paths, from 0 to 1, whose files are removed or replaced behind the server's back. */
  readonly replaced: number;
  /** Whether the servers are in front of three NATS servers, in place of a folder. */
  readonly cluster: boolean;
}

/** The output of `--help`. */
export const HELP = `Usage: npm run chaos -- [option ...]

Appends to many paths and follows them, through a network that breaks in every way and with two servers on one folder
that are killed, stopped and frozen, whose disks stall and whose clocks are set. In the end what was written, what is
stored and what every follower got must be the same, byte for byte, and every follower must know how its path ended.

Clients of Durable Streams write to other paths: producers that repeat what was not answered, and that fence each other
with epochs; they close streams with their last bytes, remove them, create them again and fork them, and read them live.
When all servers were killed once more, every request that was acknowledged must be in its file once, in the order of its
producer, and none that was refused; what was closed must still be closed, and what was removed must not be back.

The files of some paths are removed or replaced by hand: no append may go on in another content, and no follower may get
the beginning of one and the end of another. Other clients pipeline requests and leave without an answer: when all is
calm again, servers must have given back every path and every descriptor that these have taken.

With --cluster, two servers share three NATS servers in place of a folder. Leaders are killed and stopped, majorities lost,
connections to NATS cut, held and slowed, servers killed, stopped and restarted, disks filled and networks split (these two
need root), one after the other and together. Other clients use the store directly: what they were told must be
linearizable, path by path.

  --minutes N         how long it goes on, such as 30 or 0.5; what is under way then comes to its end (default: 1)
  --seed N            repeats the choices of an earlier run (default: a random one, which is printed)
  --paths N           how many paths live at the same time (default: 6)
  --streams N         how many paths have Durable Streams at the same time, in addition (default: 3)
  --followers N       how many followers each of them has (default: 3)
  --runtime NAME,...  what the servers run on: ${RUNTIMES.join(", ")}, or one for each server (default: node)
  --durability LEVEL  when a byte counts as stored: ${DURABILITIES.join(" or ")} (default: os)
  --replaced SHARE    how many of the paths have their files removed or replaced by hand, from 0 to 1 (default: 0.2)
  --cluster           servers in front of NATS; --streams, --durability and --replaced do not apply then
  --help              this text

The choices depend on the seed and on the other options; the moments at which they meet depend on the machine, too. The
exit code is 1 when something is wrong. Then the folder with the files and the servers' output stays, and is printed.
`;

/** The minimum number of servers. */
const SERVERS = 2;

/**
 * Parses the arguments.
 *
 * @returns The options, or undefined if `--help` was given.
 * @throws {UsageError} if an argument is unknown or invalid.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { help, minutes, seed, paths, streams, followers, runtime, durability, replaced, cluster } = parse(args);
  if (help) return undefined;
  const names = runtime.flatMap((value) => value.split(","));
  const runtimes = names.map((name) => oneOf("--runtime", name, RUNTIMES));
  return {
    minutes: number("--minutes", minutes, /^(\d+(\.\d+)?|\.\d+)$/, "a number of minutes"),
    seed: seed === undefined ? randomInt(2 ** 32) : number("--seed", seed, /^\d{1,10}$/, "a whole number"),
    paths: number("--paths", paths, /^[1-9]\d{0,3}$/, "a whole number from 1 to 9999"),
    streams: number("--streams", streams, /^\d{1,4}$/, "a whole number from 0 to 9999"),
    followers: number("--followers", followers, /^[1-9]\d{0,3}$/, "a whole number from 1 to 9999"),
    runtimes: Array.from({ length: Math.max(SERVERS, runtimes.length) }, (_, at) => {
      return runtimes[at % runtimes.length] as Runtime;
    }),
    durability: oneOf("--durability", durability, DURABILITIES),
    replaced: number("--replaced", replaced, /^([01]|0?\.\d+)$/, "a number from 0 to 1"),
    cluster,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { ...text, default: "1" },
        seed: text,
        paths: { ...text, default: "6" },
        streams: { ...text, default: "3" },
        followers: { ...text, default: "3" },
        runtime: { ...text, multiple: true, default: ["node"] },
        durability: { ...text, default: "os" },
        replaced: { ...text, default: "0.2" },
        cluster: { type: "boolean", default: false },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function number(option: string, value: string, pattern: RegExp, what: string): number {
  if (!pattern.test(value)) throw new UsageError(`${option} is ${what}, not "${value}".`);
  return Number(value);
}
