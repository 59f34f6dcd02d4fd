/** Renders the results as an SVG with one panel per load. Its colours follow the viewer's theme. @module */
import { LOADS } from "../loads/all.ts";
import type { Load } from "../loads/load.ts";
import { median, type Results } from "../results.ts";
import { sizeOf } from "../size.ts";
import { peerName, withUnit } from "./table.ts";

/** Measures in pixels. */
const [COLUMN_WIDTH, MARGIN, NAME_WIDTH, VALUE_WIDTH] = [480, 24, 158, 92];
const [HEAD_HEIGHT, TITLE_HEIGHT, BAR_HEIGHT, BAR_STEP, PANEL_GAP, LINE_HEIGHT] = [84, 42, 13, 18, 20, 17];
const WIDTH = MARGIN + 2 * (COLUMN_WIDTH + MARGIN);
const WIDEST_BAR = COLUMN_WIDTH - NAME_WIDTH - VALUE_WIDTH;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; } .faint { fill: #656d76; }
  .title { font-size: 20px; font-weight: 600; } .panel { font-size: 13px; font-weight: 600; }
  .bar { fill: #c3cad2; } .ours { fill: #0969da; } .background { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .faint { fill: #8d96a0; }
    .bar { fill: #484f58; } .ours { fill: #4493f8; } .background { fill: #0d1117; }
  }
`;

/** Renders the chart as SVG. */
export function chart(results: Results): string {
  const { machine, date, rounds, loads } = results;
  const tops: [number, number] = [HEAD_HEIGHT, HEAD_HEIGHT];
  const panels = LOADS.filter(({ name }) => loads[name]).map((load) => {
    // Put the panel into the shorter column.
    const column = tops[0] <= tops[1] ? 0 : 1;
    const { svg, height } = panel(load, results, MARGIN + column * (COLUMN_WIDTH + MARGIN), tops[column]);
    tops[column] += height;
    return svg;
  });
  const bottom = Math.max(...tops);
  const versions = versionsOf(results);
  const height = bottom + LINE_HEIGHT * Math.ceil(versions.length / 2) + MARGIN;
  const footer = versions.map((version, index) =>
    text(MARGIN + (index % 2) * (WIDTH / 2), bottom + LINE_HEIGHT * Math.floor(index / 2), version, "faint"),
  );
  const where = `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}, ${machine.storage}`;
  const times = rounds === 1 ? "one round" : `medians of ${rounds} rounds`;
  const when = `${date.slice(0, 10)}, commit ${machine.commit}, ${times}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>httpfstream measured against its peers</title>
<style>${STYLE}</style>
<rect class="background" width="${WIDTH}" height="${height}" rx="6"/>
${text(MARGIN, 36, "httpfstream and its peers, measured in one run", "title")}
${text(MARGIN, 58, `${where}; ${when}`, "faint")}
${[...panels, ...footer].join("\n")}
</svg>
`;
}

function panel(load: Load, { loads, peers, size }: Results, left: number, top: number) {
  const { name, title, metrics } = load;
  const [{ key, title: metric, unit, better }] = metrics;
  const bars = Object.entries(loads[name] ?? {}).flatMap(([peer, row]) =>
    row[key] ? [{ peer, value: median(row[key]) }] : [],
  );
  const [longest = 0, second = longest] = bars.map(({ value }) => value).sort((a, b) => b - a);
  // A bar that is four times as long as all others is cut, so that the others remain comparable.
  const most = better === "less" && longest > 4 * second && second > 0 ? second : longest;
  const x = left + NAME_WIDTH;
  const lines = bars.flatMap(({ peer, value }, index) => {
    const y = top + TITLE_HEIGHT + BAR_STEP * index;
    const width = Math.max(1, Math.round((Math.min(most, Math.max(0, value)) / most) * WIDEST_BAR) || 0);
    const rect = (kind: string, x: number, width: number, more = ""): string =>
      `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}"${more}/>`;
    return [
      text(x - 8, y + 11, peerName(peer, load), "", ' text-anchor="end"'),
      rect(peers[peer]?.isOurs ? "bar ours" : "bar", x, width, ' rx="2"'),
      text(x + width + 6, y + 11, withUnit(value, unit)),
      // The cut of a bar that would be too long.
      ...(value > most ? [rect("background", x + width - 24, 4)] : []),
    ];
  });
  const heading = text(left, top + 14, title(sizeOf(size)), "panel");
  const legend = text(left, top + 31, `${metric}, ${better} is better`, "faint");
  const svg = [heading, legend, ...lines].join("\n");
  return { svg, height: TITLE_HEIGHT + BAR_STEP * bars.length + PANEL_GAP };
}

function text(x: number, y: number, words: string, kind = "", more = ""): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}${more}>${safe}</text>`;
}

/** The versions of the peers that were measured. */
function versionsOf({ peers }: Results): string[] {
  const measured = Object.entries(peers).filter(([, { missing }]) => missing === undefined);
  return [...new Set(measured.map(([peer, { isOurs, version }]) => (isOurs ? version : `${peer}: ${version}`)))];
}
