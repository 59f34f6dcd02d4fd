/**
 * The report about a run.
 * @module
 */
import type { Ledger } from "./ledger.ts";
import type { Options } from "./options.ts";
import type { Outcome } from "./run.ts";

/** Returns the command that repeats a run. */
export function commandOf({
  minutes,
  seed,
  paths,
  streams,
  followers,
  runtimes,
  durability,
  replaced,
  cluster,
}: Options): string {
  const parts = [`--minutes ${minutes}`, `--seed ${seed}`, `--paths ${paths}`];
  parts.push(`--streams ${streams}`, `--followers ${followers}`);
  parts.push(`--runtime ${runtimes.join(",")}`, `--durability ${durability}`, `--replaced ${replaced}`);
  if (cluster) parts.push("--cluster");
  return `npm run chaos -- ${parts.join(" ")}`;
}

/** Formats the report. */
export function report(options: Options, { ledger, seconds, kept }: Outcome): string {
  const bytes = (kind: string): string => `${(ledger.total("bytes", kind) / 1e6).toFixed(1)} MB`;
  const head = [`seed        ${options.seed}`, `took        ${seconds.toFixed(1)} s`];
  const own = options.cluster ? clusterLines(ledger, bytes) : folderLines(options, ledger, bytes);
  return [...head, ...own, "", ...verdict(options, ledger, kept)].join("\n");
}

function folderLines(options: Options, ledger: Ledger, bytes: (kind: string) => string): string[] {
  return [
    `servers     ${options.runtimes.join(" and ")} on one folder; ${kinds(ledger, "blows")}`,
    `appends     ${kinds(ledger, "appends")}; ${bytes("appended")}`,
    `follows     ${kinds(ledger, "follows")}; ${bytes("followed")}`,
    `reconnects  ${kinds(ledger, "reconnects")}`,
    `connections ${kinds(ledger, "connections")}`,
    `faults      ${kinds(ledger, "faults")}`,
    `clocks      ${kinds(ledger, "clocks")}`,
    `files       ${kinds(ledger, "replaced")}; follows of them: ${kinds(ledger, "follows of replaced files")}`,
    `streams     ${kinds(ledger, "streams")}; read ${kinds(ledger, "readers", "by ")}; ${bytes("read")}`,
    `requests    ${kinds(ledger, "requests")}`,
    `pipelined   ${kinds(ledger, "pipelined", "left by ")}`,
    `also        ${kinds(ledger, "appenders", "appenders ")}; ${kinds(ledger, "followers", "followers ")}`,
    `compared    ${kinds(ledger, "compared")}, by SHA-256 and byte by byte`,
  ];
}

function clusterLines(ledger: Ledger, bytes: (kind: string) => string): string[] {
  return [
    `inflicted   ${kinds(ledger, "blows")}`,
    `stood still ${kinds(ledger, "standstill", "times ")}`,
    `appends     ${kinds(ledger, "appends")}; ${bytes("appended")}`,
    `follows     ${kinds(ledger, "follows")}; ${bytes("followed")}`,
    `reconnects  ${kinds(ledger, "reconnects")}`,
    `connections ${kinds(ledger, "connections")}`,
    `faults      ${kinds(ledger, "faults")}`,
    `race        ${kinds(ledger, "race")}`,
    `compared    ${kinds(ledger, "compared")}, by SHA-256 and byte by byte`,
  ];
}

function verdict(options: Options, { problems }: Ledger, kept: string | undefined): string[] {
  if (problems.length === 0) return ["No byte was lost, none came twice, and every client knows how it ended."];
  const list = problems.map((problem) => `  ${problem.replaceAll("\n", "\n    ")}`);
  const [count, s] = [problems.length, problems.length === 1 ? "" : "s"];
  const files = kept === undefined ? [] : [`The files are in ${kept}.`];
  return [`${count} problem${s}:`, ...list, "", ...files, `Again: ${commandOf(options)}`];
}

function kinds(ledger: Ledger, what: string, before = ""): string {
  const list = ledger.kinds(what).map(([kind, count]) => `${count} ${before}${kind}`);
  return list.join(", ") || "none";
}
