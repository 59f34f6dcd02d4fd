/** A whole run: measures all loads and peers in turns, so that disturbances of the machine affect all alike. @module */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { UsageError } from "../lib/command-line.ts";
import { compile } from "../lib/compile.ts";
import { LOADS } from "./loads/all.ts";
import type { Load } from "./loads/load.ts";
import type { Options } from "./options.ts";
import { allPeers } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import { addNumbers, type Results } from "./results.ts";
import { sizeOf } from "./size.ts";
import { onStage } from "./stage.ts";
import { describeMachine } from "./system.ts";

const GENERATOR = "scripts/bench/generator/main.ts";

/**
 * Runs the benchmark, and calls `progress` with a line per measurement. Ends after the current one if the signal is
 * aborted. Rejects with a {@link UsageError} if the options name an unknown peer or no load.
 */
export async function run(options: Options, progress: (line: string) => void, signal: AbortSignal): Promise<Results> {
  const date = new Date();
  const { size, rounds } = options;
  // Now, because files of the checkout may change during the run.
  const machine = describeMachine();
  const below = mkdtempSync(join(tmpdir(), "httpfstream-bench-"));
  const clear = (): void => rmSync(below, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const dist = join(below, "built", "dist");
    const generator = join(dist, GENERATOR.replace(".ts", ".js"));
    const plan = choose(options, allPeers(options, join(dist, "mod.js")));
    // As it ships, in a folder, so that no other build affects the run.
    const complaint = compile(join(below, "built"), { files: [GENERATOR] });
    if (complaint !== undefined) throw new Error(`The checkout can't be built:\n${complaint}`);
    const none = { rounds: 0, minutes: 0, peers: {}, loads: {}, failures: [] };
    const results: Results = { machine, size, date: date.toISOString(), ...none };
    for (const { load, peers } of plan) {
      results.loads[load.name] = Object.fromEntries(peers.map(({ name }) => [name, {}]));
      for (const { name, title, version, isOurs, way, missing, ungated } of peers) {
        results.peers[name] = { title, version, isOurs, way, missing, ungated };
      }
    }
    const turns = Array.from({ length: rounds }, (_, round) =>
      plan.map(({ load, peers }) => {
        const installed = peers.filter(({ missing }) => missing === undefined);
        return inTurns(installed, round).map((peer) => ({ round: round + 1, load, peer }));
      }),
    );
    for (const { round, load, peer } of turns.flat(2)) {
      const largeBytes = sizeOf(size).largeBytes * (load.shares?.[peer.name] ?? 1);
      const setting = { peer, below, size: { ...sizeOf(size), largeBytes } };
      const measure = (peer.abilities.includes("copy") && load.copy) || load.measure;
      const outcome = await onStage(setting, generator, measure).catch((error: Error) => error);
      // The interruption may have ended the server as well.
      if (signal.aborted) break;
      results.rounds = round;
      results.minutes = Math.round((Date.now() - date.getTime()) / 6_000) / 10;
      const { key, title, unit } = load.metrics[0];
      const isFailed = outcome instanceof Error;
      if (isFailed) results.failures.push({ load: load.name, peer: peer.name, message: outcome.message });
      else addNumbers(results.loads[load.name]?.[peer.name] ?? {}, load, outcome);
      const summary = isFailed ? `FAILED: ${outcome.message}` : `${title} ${outcome[key]?.toPrecision(4)} ${unit}`;
      progress(`round ${round}/${rounds}  ${load.name}  ${peer.name}  ${summary}`);
    }
    return results;
  } finally {
    process.off("exit", clear);
    clear();
  }
}

/**
 * Returns the order of the items in a round, because the state of the machine changes during a run. Each odd round
 * reverses the one before it, and each even round starts with the next item. The first round is 0.
 */
export function inTurns<Item>(items: readonly Item[], round: number): Item[] {
  const start = items.length === 0 ? 0 : (round >> 1) % items.length;
  const turned = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Chooses the loads, and the peers of each. */
function choose(options: Options, peers: readonly Peer[]) {
  const { only } = options;
  const unknown = options.peers.find((name) => !peers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no peer "${unknown}"; there are ${peers.map(({ name }) => name).join(", ")}.`);
  }
  const loads = LOADS.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
  if (loads.length === 0) throw new UsageError(`The loads are ${LOADS.map(({ name }) => name).join(", ")}.`);
  const plan = loads.map((load) => ({ load, peers: peers.filter((peer) => suits(load, peer, options)) }));
  return plan.filter((each) => each.peers.length > 0);
}

function suits(load: Load, { name, way, runtime, abilities, ungated }: Peer, options: Options): boolean {
  if (options.peers.length > 0 && !options.peers.includes(name)) return false;
  if (ungated !== undefined && !load.gated) return false;
  const isCopy = abilities.includes("copy");
  if (isCopy ? !load.copy : !load.needs.every((ability) => abilities.includes(ability))) return false;
  if (way === undefined || runtime === undefined) return !load.onlyOurs;
  if (!(load.ways ?? ["v1", "classic"]).includes(way)) return false;
  return options.runtimes.includes(runtime) && (runtime === "node" || (load.everyRuntime === true && way !== "http"));
}
