/**
 * The results as a picture: a panel for each load, a bar for each peer. Its colours follow the reader's theme.
 * @module
 */
import { type LoadResult, medianOf, type Results } from "../results.ts";
import { withUnit } from "./numbers.ts";

const WIDTH = 900;
const MARGIN = 24;
const NAME_WIDTH = 190;
const VALUE_WIDTH = 130;
const BAR_HEIGHT = 16;
const BAR_STEP = 21;
const TITLE_HEIGHT = 30;
const PANEL_GAP = 22;
const HEAD_HEIGHT = 78;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 20px; font-weight: 600; }
  .panel { font-weight: 600; }
  .faint { fill: #656d76; }
  .bar { fill: #c3cad2; }
  .ours { fill: #0969da; }
  .background { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .faint { fill: #8d96a0; }
    .bar { fill: #484f58; }
    .ours { fill: #4493f8; }
    .background { fill: #0d1117; }
  }
`;

/** The picture, as SVG. */
export function chart(results: Results): string {
  const { machine, date, rounds } = results;
  const panels: string[] = [];
  let top = HEAD_HEIGHT;
  for (const load of results.loads) {
    const { svg, height } = panel(load, top);
    panels.push(svg);
    top += height;
  }
  const versions = [...new Set(results.loads.flatMap(({ rows }) => rows.map(({ version }) => version)))];
  const foot = wrapped(versions, 130).map((line, index) => text(MARGIN, top + 18 * index, line, "faint"));
  const height = top + 18 * foot.length + MARGIN;
  const where = `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>httpfstream measured against its peers</title>
<style>${STYLE}</style>
<rect class="background" width="${WIDTH}" height="${height}" rx="6"/>
${text(MARGIN, 34, "httpfstream and its peers, measured in one run", "title")}
${text(MARGIN, 56, `${where}, ${date.slice(0, 10)}, commit ${machine.commit}, medians of ${rounds} rounds`, "faint")}
${[...panels, ...foot].join("\n")}
</svg>
`;
}

function panel({ title, metrics: [metric], rows }: LoadResult, top: number): { svg: string; height: number } {
  const measured = rows.filter(({ samples }) => samples.length > 0);
  const most = Math.max(...measured.map((row) => medianOf(row, metric.key)));
  const widest = WIDTH - 2 * MARGIN - NAME_WIDTH - VALUE_WIDTH;
  const parts = [
    text(MARGIN, top + 14, title, "panel"),
    text(WIDTH - MARGIN, top + 14, `${metric.title}, ${metric.better} is better`, "faint", "end"),
  ];
  measured.forEach((row, index) => {
    const value = medianOf(row, metric.key);
    const y = top + TITLE_HEIGHT + BAR_STEP * index;
    const width = Math.max(1, Math.round((Math.max(0, value) / most) * widest));
    const left = MARGIN + NAME_WIDTH;
    parts.push(
      text(left - 8, y + 12, row.peer, "", "end"),
      `<rect class="bar${row.isOurs ? " ours" : ""}" x="${left}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
      text(left + width + 6, y + 12, withUnit(value, metric.unit)),
    );
  });
  return { svg: parts.join("\n"), height: TITLE_HEIGHT + BAR_STEP * measured.length + PANEL_GAP };
}

function text(x: number, y: number, words: string, kind = "", anchor = "start"): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}>${safe}</text>`;
}

/** Lines of so many characters at most, broken between the words. */
function wrapped(words: readonly string[], most: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 2 <= most) lines[lines.length - 1] = `${last}; ${word}`;
    else lines.push(word);
  }
  return lines;
}
