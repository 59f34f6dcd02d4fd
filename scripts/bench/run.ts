/**
 * A whole run: measures every load and every peer, round by round, so that disturbances of the machine affect all
 * alike.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { build } from "./build.ts";
import type { Load, Numbers } from "./load.ts";
import { LOADS } from "./loads/all.ts";
import { describeMachine } from "./machine.ts";
import { type Options, UsageError } from "./options.ts";
import { catPeer } from "./peers/cat.ts";
import { httpfstreamPeers, otherPeers, runningPeers } from "./peers/httpfstream.ts";
import { nchanPeer, sendfilePeer } from "./peers/nginx.ts";
import { barePeer, bareReadPeer, durablePeer } from "./peers/node-servers.ts";
import type { Peer } from "./peers/peer.ts";
import { emptyResult, emptyRow, type LoadResult, type Results, type Row } from "./results.ts";
import { SIZES } from "./size.ts";
import { type Setting, Stage } from "./stage.ts";
import { inTurns } from "./turns.ts";

/**
 * Runs the benchmark.
 *
 * @param progress Is called with a line per measurement.
 * @param signal Ends the run after the current measurement; the results so far are returned.
 * @throws {UsageError} if the options name an unknown peer or no load.
 */
export async function run(options: Options, progress: (line: string) => void, signal: AbortSignal): Promise<Results> {
  const began = Date.now();
  // Now, because files of the checkout may change during the run.
  const machine = describeMachine();
  const below = mkdtempSync(join(tmpdir(), "httpfstream-bench-"));
  const clear = (): void => rmSync(below, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const { server, generator } = build(below);
    const plan = choose(options, server);
    const setting = { size: SIZES[options.size], below, generatorProgram: generator };
    let rounds = 0;
    for (const { round, load, peer, row } of measurements(plan, options.rounds)) {
      if (signal.aborted) break;
      rounds = round;
      const outcome = await measure(load, peer, setting);
      // The interruption may have ended the server as well.
      if (signal.aborted) break;
      if (typeof outcome === "string") row.failures.push(outcome);
      else row.samples.push(outcome);
      progress(`round ${round}/${options.rounds}  ${load.name}  ${peer.name}  ${summary(load, outcome)}`);
    }
    return {
      machine,
      size: options.size,
      rounds,
      date: new Date(began).toISOString(),
      minutes: Math.round((Date.now() - began) / 6_000) / 10,
      loads: plan.map(({ result }) => result),
    };
  } finally {
    process.off("exit", clear);
    clear();
  }
}

/** A load, with the peers that it measures. */
interface Planned {
  readonly load: Load;
  readonly entries: readonly { readonly peer: Peer; readonly row: Row }[];
  readonly result: LoadResult;
}

/** All measurements, in order. Rounds are counted from 1. */
function* measurements(plan: readonly Planned[], rounds: number) {
  for (let round = 1; round <= rounds; round++) {
    for (const { load, entries } of plan) {
      const there = entries.filter(({ peer }) => peer.missing === undefined);
      for (const { peer, row } of inTurns(there, round - 1)) yield { round, load, peer, row };
    }
  }
}

/** Chooses the loads and their peers, with an empty row for each. */
function choose(options: Options, program: string): Planned[] {
  const peers = allPeers(options, program);
  const unknown = options.peers.find((name) => !peers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no peer "${unknown}"; there are ${peers.map(({ name }) => name).join(", ")}.`);
  }
  const wanted = LOADS.filter(
    ({ name }) => options.only.length === 0 || options.only.some((word) => name.includes(word)),
  );
  if (wanted.length === 0) throw new UsageError(`The loads are ${LOADS.map(({ name }) => name).join(", ")}.`);
  const plan = wanted.map((load) => {
    const chosen = peers.filter((peer) => suits(load, peer, options));
    const entries = chosen.map((peer) => ({ peer, row: emptyRow(peer, load) }));
    return {
      load,
      entries,
      result: { ...emptyResult(load, SIZES[options.size]), rows: entries.map(({ row }) => row) },
    };
  });
  return plan.filter(({ entries }) => entries.length > 0);
}

function allPeers({ url, profile, against }: Options, program: string): Peer[] {
  const ours = url === undefined ? httpfstreamPeers(program, profile) : runningPeers(url);
  const other = against === undefined ? [] : otherPeers(against);
  return [...ours, ...other, barePeer(), nchanPeer(), durablePeer(), bareReadPeer(), sendfilePeer(), catPeer()];
}

function suits(load: Load, peer: Peer, { peers, runtimes }: Options): boolean {
  const { way, runtime, name, abilities } = peer;
  if (peers.length > 0 && !peers.includes(name)) return false;
  const copies = abilities.includes("copy") && load.compareWithCopy === true;
  if (!copies && !load.needs.every((ability) => abilities.includes(ability))) return false;
  if (way === undefined) return load.onlyOurs !== true;
  if (!(load.ways ?? ["v1", "classic"]).includes(way)) return false;
  return runtime === "node" || (load.everyRuntime === true && way !== "http")
    ? runtimes.some((chosen) => chosen === runtime)
    : false;
}

async function measure(load: Load, peer: Peer, { size, ...setting }: Setting): Promise<Numbers | string> {
  const share = load.shares?.[peer.name] ?? 1;
  const scaled = { ...size, largeBytes: size.largeBytes * share };
  try {
    return await Stage.use(peer, { ...setting, size: scaled }, (stage) => load.measure(stage));
  } catch (error) {
    return (error as Error).message;
  }
}

function summary({ metrics: [first] }: Load, outcome: Numbers | string): string {
  if (typeof outcome === "string") return `FAILED: ${outcome}`;
  return `${first.title} ${outcome[first.key]?.toPrecision(4)} ${first.unit}`;
}
