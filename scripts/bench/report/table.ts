/** Formats the results as text. @module */
import { aligned, readable, withUnit } from "../../lib/text-table.ts";
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

function spread(values: readonly number[] = []): string {
  return values.length < 2 ? "" : `[${readable(Math.min(...values))} to ${readable(Math.max(...values))}]`;
}
