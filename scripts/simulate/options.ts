/** The command line of the model. @module */
import { parseArgs } from "node:util";
import { oneOf, UsageError } from "../lib/command-line.ts";
import { LIVE_TOLERANCE, TOLERANCE } from "./against.ts";
import { benchNumbersFrom } from "./bench-numbers.ts";
import { type Costs, costsFrom, defaultCosts, withCosts } from "./costs.ts";
import { fit } from "./fit.ts";
import { CASE_NAMES, DEFAULT_LOADS, type Loads, loadNames, withLoads } from "./loads.ts";

/** The output of `--help`. */
export const HELP = `Usage: npm run simulate -- [option ...]

Computes from measured unit costs how many machines large loads need, and what breaks first. docs/scale.md explains it.

  --only CASE,...       only these cases: ${CASE_NAMES.join(", ")}
  --load CASE.NAME=N    another load (repeat): ${loadNames().join(", ")}
  --cost NAME=N         another cost, limit or machine (repeat); --list shows all
  --costs FILE          other costs from a JSON file: numbers by name, or objects as in scripts/simulate/costs.json
  --bench FILE          the costs that follow from other results of npm run bench -- --json FILE
  --list                print the costs, what they are and where they were measured
  --against FILE        compare the model with results of the benchmark; fails if one is off by more than the tolerance
  --live                measure two loads now, in about a minute, and compare the processor time per delivery
  --tolerance RATIO     how far a prediction may be off (default: ${TOLERANCE}; with --live ${LIVE_TOLERANCE})
  --write               write the tables into docs/scale.md; with --bench, also the costs into their file
  --check               fail if the tables in docs/scale.md are not those of the costs
  --help                this text

--cost prevails over --costs, and --costs over --bench.
`;

/** The options of a run. {@link HELP} describes them. */
export type Options = NonNullable<ReturnType<typeof parseOptions>>;

/** Parses the arguments. Returns undefined for `--help`. Throws a {@link UsageError}, or the TypeError of `parseArgs`. */
export function parseOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true, default: [] as string[] } as const;
  const flag = { type: "boolean", default: false } as const;
  const inputs = { only: list, load: list, cost: list, costs: text, bench: text };
  const actions = { list: flag, against: text, live: flag, write: flag, check: flag };
  const { values } = parseArgs({ args: [...args], options: { ...inputs, ...actions, tolerance: text, help: flag } });
  const { help, bench, against, live, write, check } = values;
  if (help) return undefined;
  const actionNames = ["list", "against", "live", "write", "check"] as const;
  const chosen = actionNames.filter((name) => values[name] !== undefined && values[name] !== false);
  if (chosen.length > 1) throw new UsageError(`--${chosen[0]} and --${chosen[1]} exclude each other.`);
  const others =
    (["only", "load", "cost"] as const).find((name) => values[name].length > 0) ?? (values.costs && "costs");
  if ((write || check) && others) {
    throw new UsageError(
      `The page has the tables of the defaults: --${write ? "write" : "check"} goes without --${others}.`,
    );
  }
  if (check && bench !== undefined)
    throw new UsageError("The page has the tables of the costs in their file: --check goes without --bench.");
  const only = values.only.flatMap((names) => names.split(",")).map((name) => oneOf("--only", name, CASE_NAMES));
  const loads: Loads = withLoads(DEFAULT_LOADS, values.load);
  const numbers = against === undefined ? undefined : benchNumbersFrom(against, "--against");
  const tolerance = toleranceOf(values.tolerance, live ? LIVE_TOLERANCE : TOLERANCE);
  if (values.tolerance !== undefined && numbers === undefined && !live) {
    throw new UsageError("--tolerance goes with --against or --live.");
  }
  const cases = only.length === 0 ? CASE_NAMES : CASE_NAMES.filter((name) => only.includes(name));
  const fitsBench = bench !== undefined;
  return { costs: costsOf(values), cases, loads, numbers, tolerance, live, write, check, fitsBench, list: values.list };
}

function costsOf({ bench, costs: file, cost }: { bench?: string; costs?: string; cost: readonly string[] }): Costs {
  let costs = defaultCosts();
  if (bench !== undefined) costs = withCosts(costs, fit(benchNumbersFrom(bench, "--bench"), costs), `--bench ${bench}`);
  if (file !== undefined) costs = costsFrom(costs, file);
  const changes = cost.map((text) => {
    const [, name = "", value = ""] = /^(\w+)=(.+)$/.exec(text) ?? [];
    if (name === "") throw new UsageError(`--cost is NAME=NUMBER, not "${text}".`);
    if (Number.isNaN(Number(value))) throw new UsageError(`--cost ${name} is a number, not "${value}".`);
    return [name, Number(value)];
  });
  return withCosts(costs, Object.fromEntries(changes), "--cost");
}

function toleranceOf(text: string | undefined, usual: number): number {
  const tolerance = Number(text ?? usual);
  if (Number.isFinite(tolerance) && tolerance >= 1) return tolerance;
  throw new UsageError(`--tolerance is a ratio from 1 on, such as 1.5, not "${text}".`);
}
