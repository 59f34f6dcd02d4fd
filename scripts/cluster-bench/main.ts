/** `npm run bench:cluster`: measures two servers in front of three NATS servers. @module */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { median } from "../bench/results.ts";
import { describeMachine } from "../bench/system.ts";
import { runScript, UsageError } from "../lib/command-line.ts";
import { natsServer } from "../lib/nats-server.ts";
import { aligned, readable } from "../lib/text-table.ts";
import { Bare } from "./bare.ts";
import type { Goal, Load } from "./loads.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { SIZES } from "./size.ts";
import { Stage } from "./stage.ts";

/** All numbers of a load, by their names, one for each round. */
type Numbers = Record<string, number[]>;

await runScript("bench:cluster", HELP, parseOptions, async (options) => {
  const server = natsServer();
  if ("missing" in server) throw new UsageError(`There is no nats-server: ${server.missing}.`);
  const machine = describeMachine();
  const results = await measured(options, server.path);
  const { size, rounds, json, loads } = options;
  if (json !== undefined) {
    const about = { machine, nats: server.version, size, rounds };
    writeFileSync(json, `${JSON.stringify({ ...about, loads: Object.fromEntries(results) }, undefined, 2)}\n`);
  }
  const { processor, processors, storage, commit } = machine;
  console.log(`${processor}, ${processors} processors, files on ${storage}, commit ${commit}`);
  console.log(`nats-server ${server.version}, three replicas, sync_interval: always; "${size}", rounds: ${rounds}\n`);
  for (const load of loads) console.log(`${section(load, results.get(load.name) ?? {})}\n`);
  process.exit(0);
});

async function measured({ size, rounds, loads }: Options, program: string): Promise<Map<string, Numbers>> {
  const results = new Map<string, Numbers>(loads.map(({ name }) => [name, {}]));
  const stage = await Stage.open(program, SIZES[size]);
  const bare = await Bare.open(stage.lab);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const load of loads) {
        const numbers = await load.measure(stage, bare, round);
        await stage.clear();
        const known = results.get(load.name) ?? {};
        for (const [key, value] of Object.entries(numbers)) known[key] = [...(known[key] ?? []), value];
        console.error(`round ${round + 1}/${rounds}  ${load.name}  ${JSON.stringify(numbers)}`);
      }
    }
  } finally {
    await bare.close();
    await stage.close();
  }
  return results;
}

function section({ name, title, goals }: Load, numbers: Numbers): string {
  const rows = Object.entries(numbers).map(([key, values]) => [key, readable(median(values))]);
  const verdicts = goals.map((goal) => verdict(goal, numbers[goal.key] ?? []));
  return [`${name}: ${title}`, aligned(rows), ...verdicts].join("\n");
}

function verdict({ title, atMost, atLeast }: Goal, values: readonly number[]): string {
  if (values.length === 0) return `  ? not measured  ${title}`;
  const value = median(values);
  const isReached = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
  const wanted = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  return `  ${isReached ? "✓" : "✗"} ${readable(value)}  ${title}: ${wanted}`;
}
