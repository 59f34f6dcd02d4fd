/**
 * The command line of the viewer's benchmark.
 * @module
 */
import { parseArgs } from "node:util";
import { oneOf, UsageError } from "../lib/command-line.ts";
import { BROWSERS } from "./browsers.ts";
import { CANDIDATES } from "./candidates.ts";
import { SIZE_NAMES, sizeOf } from "./size.ts";

const NAMES = CANDIDATES.map(({ name }) => name);

/** The output of `--help`. */
export const HELP = `Usage: npm run bench:viewer -- [option ...]

Measures the viewer page beside one <pre> and a log viewer of React, all in one run, and prints tables.

  --size NAME        ${SIZE_NAMES.join(", ")} (default: full); --quick is short for --size quick
  --only NAME,...    only these: ${NAMES.join(", ")}
  --browser NAME,... only in these: ${BROWSERS.join(", ")} (default: those that are installed)
  --rounds N         how often each is measured (default: what the size says)
  --json FILE        write the results
  --write            put the tables into docs/performance.md
  --help             this text

In full it takes half an hour, 5 GiB of memory and 2 GB of disk, and wants the machine for itself. Ctrl-C ends it with what
there is by then.
`;

/** The options of a run. {@link HELP} describes them. */
export type Options = NonNullable<ReturnType<typeof parseOptions>>;

/** Parses the arguments. Returns undefined for `--help`. Throws a {@link UsageError}, or the TypeError of `parseArgs`. */
export function parseOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ size: { ...text, default: "full" }, quick: flag, only: list, browser: list },
      ...{ rounds: text, json: text, write: flag, help: flag },
    },
  });
  if (values.help) return undefined;
  const size = values.quick ? "quick" : oneOf("--size", values.size, SIZE_NAMES);
  const { rounds = String(sizeOf(size).rounds), json, write } = values;
  if (!/^[1-9]\d*$/.test(rounds)) throw new UsageError(`--rounds is a whole number from 1 on, not "${rounds}".`);
  return {
    ...{ size, rounds: Number(rounds), json, write },
    only: words(values.only, NAMES).map((name) => oneOf("--only", name, NAMES)),
    browsers: words(values.browser, BROWSERS).map((name) => oneOf("--browser", name, BROWSERS)),
  };
}

function words(values: readonly string[] | undefined, all: readonly string[]): readonly string[] {
  return values ? values.flatMap((value) => value.split(",")).filter((word) => word !== "") : all;
}
