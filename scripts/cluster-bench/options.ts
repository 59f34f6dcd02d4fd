/** The command line of the benchmark of clusters. @module */
import { parseArgs } from "node:util";
import { oneOf, UsageError } from "../lib/command-line.ts";
import { LOADS } from "./loads.ts";
import { SIZE_NAMES, SIZES } from "./size.ts";

/** The output of `--help`. */
export const HELP = `Usage: npm run bench:cluster -- [option ...]

Measures two servers in front of three NATS servers, beside bare clients of the same NATS servers and beside the file store,
all in one run, and prints the ratios with their goals.

  --only WORD,...  loads whose names have one of the words in them: ${LOADS.map(({ name }) => name).join(", ")}
  --size NAME      ${SIZE_NAMES.join(", ")} (default: full)
  --rounds N       how often each is measured (default: what the size says)
  --json FILE      write the results
  --help           this text

It wants the machine for itself. All processes share it, so compare ratios, and not numbers.
`;

/** The options of a run. {@link HELP} describes them. */
export type Options = NonNullable<ReturnType<typeof parseOptions>>;

/** Parses the arguments. Returns undefined for `--help`. Throws a {@link UsageError}, or the TypeError of `parseArgs`. */
export function parseOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  const only = { type: "string", multiple: true, default: [] as string[] } as const;
  const all = {
    only,
    size: { ...text, default: "full" },
    rounds: text,
    json: text,
    help: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: [...args], options: all });
  if (values.help) return undefined;
  const size = oneOf("--size", values.size, SIZE_NAMES);
  const { rounds = String(SIZES[size].rounds), json } = values;
  if (!/^[1-9]\d*$/.test(rounds)) throw new UsageError(`--rounds is a whole number from 1 on, not "${rounds}".`);
  const words = values.only.flatMap((value) => value.split(",")).filter((word) => word !== "");
  const loads = LOADS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (loads.length === 0) throw new UsageError(`The loads are ${LOADS.map(({ name }) => name).join(", ")}.`);
  return { size, rounds: Number(rounds), json, loads };
}
