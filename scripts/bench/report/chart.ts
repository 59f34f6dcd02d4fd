/** Draws the results, with one panel per load. @module */
import { barChart } from "../../lib/bar-chart.ts";
import { withUnit } from "../../lib/text-table.ts";
import { LOADS } from "../loads/all.ts";
import { median, type Results } from "../results.ts";
import { sizeOf } from "../size.ts";
import { peerName } from "./table.ts";

/** Renders the chart as SVG. */
export function chart({ machine, date, rounds, loads, peers, size }: Results): string {
  const where = `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}, ${machine.storage}`;
  const times = rounds === 1 ? "one round" : `medians of ${rounds} rounds`;
  const measured = Object.entries(peers).filter(([, { missing }]) => missing === undefined);
  return barChart({
    summary: "httpfstream measured against its peers",
    title: "httpfstream and its peers, measured in one run",
    subtitle: `${where}; ${date.slice(0, 10)}, commit ${machine.commit}, ${times}`,
    panels: LOADS.filter(({ name }) => loads[name]).map((load) => {
      const { key, title, unit, better } = load.metrics[0];
      const rows = Object.entries(loads[load.name] ?? {}).filter(([, row]) => row[key]);
      const bars = rows.map(([peer, row]) => {
        const value = median(row[key]);
        return {
          name: peerName(peer, load),
          value,
          label: withUnit(value, unit),
          isOurs: peers[peer]?.isOurs === true,
        };
      });
      return {
        title: load.title(sizeOf(size)),
        legend: `${title}, ${better} is better`,
        isCut: better === "less",
        bars,
      };
    }),
    footer: [...new Set(measured.map(([peer, { isOurs, version }]) => (isOurs ? version : `${peer}: ${version}`)))],
  });
}
