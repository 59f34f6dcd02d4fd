/**
 * Formats the results as text.
 * @module
 */
import type { Metric } from "../load.ts";
import { type LoadResult, medianOf, nameOf, type Results, type Row } from "../results.ts";
import { verdicts } from "../verdict.ts";
import { readable, times, withUnit } from "./numbers.ts";

/** Formats all results. */
export function table(results: Results): string {
  const { machine, rounds, size, minutes } = results;
  const head = [
    `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}, files on ${machine.storage}, commit ${machine.commit}`,
    `size "${size}", rounds: ${rounds}, minutes: ${minutes}; medians, [least to most]; ratios of the first column`,
  ].join("\n");
  return [head, ...results.loads.map((load) => section(load, results.loads)), versions(results)].join("\n\n");
}

function section(load: LoadResult, all: readonly LoadResult[]): string {
  const [first, ...others] = load.metrics;
  const measured = load.rows.filter(({ samples }) => samples.length > 0);
  const references = measured.filter(({ isOurs }) => !isOurs);
  const header = [
    "",
    first.title,
    "",
    ...references.map(({ peer }) => `/ ${peer}`),
    ...others.map(({ title }) => title),
  ];
  const rows = measured.map((row) => [
    nameOf(row),
    withUnit(medianOf(row, first.key), first.unit),
    spread(row, first),
    ...references.map((reference) => times(medianOf(row, first.key) / medianOf(reference, first.key))),
    ...others.map(({ key, unit }) => withUnit(medianOf(row, key), unit)),
  ]);
  const lines = [`${load.name}: ${load.title} (${first.better} is better)`];
  if (rows.length > 0) lines.push(aligned([header, ...rows]));
  for (const { peer, missing, failures } of load.rows) {
    for (const problem of missing === undefined ? failures : [missing]) lines.push(`  ! ${peer}: ${problem}`);
  }
  for (const { peer, goal, value, reached } of verdicts(load, all)) {
    const verdict = reached === undefined ? "? not measured" : `${reached ? "✓" : "✗"} ${readable(value)}`;
    lines.push(`  ${verdict}  ${peer}: ${goal}`);
  }
  return lines.join("\n");
}

function spread({ samples }: Row, { key }: Metric): string {
  if (samples.length < 2) return "";
  const values = samples.map((sample) => sample[key] ?? Number.NaN);
  return `[${readable(Math.min(...values))} to ${readable(Math.max(...values))}]`;
}

/** Aligns the columns: the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((cells) => `  ${cells.join("  ").trimEnd()}`)
    .join("\n");
}

function versions({ loads }: Results): string {
  const known = new Map(loads.flatMap(({ rows }) => rows.map((row) => [row.peer, `${row.title} (${row.version})`])));
  return aligned([...known].map(([peer, words]) => [peer, "", words])).replace(/ {2,}(?=\S+ *\S)/g, "  ");
}
