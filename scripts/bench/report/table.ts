/** Formats the results as text. @module */
import { LOADS } from "../loads/all.ts";
import type { Load } from "../loads/load.ts";
import { median, type Results, verdicts } from "../results.ts";
import { sizeOf } from "../size.ts";

export function table(results: Results): string {
  const { machine, rounds, size, minutes, peers, loads } = results;
  const sections = LOADS.filter(({ name }) => loads[name]).map((load) => section(load, results));
  const versions = Object.entries(peers).map(([peer, { title, version }]) => [peer, `${title} (${version})`]);
  return [
    `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}, files on ${machine.storage}, commit ${machine.commit}
size "${size}", rounds: ${rounds}, minutes: ${minutes}; medians, [least to most]; ratios of the first column`,
    ...sections,
    aligned(versions),
  ].join("\n\n");
}

function section(load: Load, results: Results): string {
  const { name, title, metrics } = load;
  const [first, ...others] = metrics;
  const all = Object.entries(results.loads[name] ?? {});
  const measured = all.filter(([, row]) => row[first.key]);
  const references = measured.filter(([peer]) => !results.peers[peer]?.isOurs);
  const header = ["", first.title, "", ...references.map(([peer]) => `/ ${peer}`), ...others.map((each) => each.title)];
  const rows = measured.map(([peer, row]) => {
    const value = median(row[first.key]);
    const ratios = references.map(([, reference]) => withUnit(value / median(reference[first.key]), "×"));
    const rest = others.map(({ key, unit }) => withUnit(median(row[key]), unit));
    return [peerName(peer, load), withUnit(value, first.unit), spread(row[first.key]), ...ratios, ...rest];
  });
  const missing = all.map(([peer]) => ({ peer, message: results.peers[peer]?.missing }));
  const failed = results.failures.filter((failure) => failure.load === name);
  const problems = [...missing, ...failed].filter(({ message }) => message !== undefined);
  return [
    `${name}: ${title(sizeOf(results.size))} (${first.better} is better)`,
    ...(rows.length > 0 ? [aligned([header, ...rows])] : []),
    ...problems.map(({ peer, message }) => `  ! ${peer}: ${message}`),
    ...verdicts(load, results).map(({ peer, goal, value, reached }) => {
      const verdict = reached === undefined ? "? not measured" : `${reached ? "✓" : "✗"} ${readable(value)}`;
      return `  ${verdict}  ${peer}: ${goal}`;
    }),
  ].join("\n");
}

/** Returns the name of a peer, with its share of the large amounts if that is not 1. */
export function peerName(peer: string, { shares }: Load): string {
  const share = shares?.[peer];
  return share === undefined ? peer : `${peer} (1/${Math.round(1 / share)})`;
}

/** Formats a number with its unit. */
export function withUnit(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "–";
  return readable(value) + (["%", "×", "/s"].includes(unit) ? unit : ` ${unit}`);
}

/** Formats a number with about three significant digits, with the prefix k, M or G from 10,000 on. */
function readable(value: number): string {
  const thousands = [0, 1, 2].find((power) => Math.abs(value) < 10_000 * 1000 ** power) ?? 3;
  const scaled = value / 1000 ** thousands;
  return scaled.toFixed(Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2) + ["", "k", "M", "G"][thousands];
}

function spread(values: readonly number[] = []): string {
  return values.length < 2 ? "" : `[${readable(Math.min(...values))} to ${readable(Math.max(...values))}]`;
}

/** Aligns the columns: names and versions to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 || rows[0]?.length === 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join("  ").trimEnd()}`).join("\n");
}
