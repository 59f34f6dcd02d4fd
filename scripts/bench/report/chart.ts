/**
 * Renders the results as an SVG: one panel per load, one bar per peer. Its colours follow the viewer's theme.
 * @module
 */
import { type LoadResult, medianOf, nameOf, type Results } from "../results.ts";
import { withUnit } from "./numbers.ts";

const COLUMNS = 2;
const COLUMN_WIDTH = 480;
const MARGIN = 24;
const NAME_WIDTH = 158;
const VALUE_WIDTH = 92;
const BAR_HEIGHT = 13;
const BAR_STEP = 18;
const TITLE_HEIGHT = 42;
const PANEL_GAP = 20;
const HEAD_HEIGHT = 84;
const LINE_HEIGHT = 17;

const WIDTH = MARGIN + COLUMNS * (COLUMN_WIDTH + MARGIN);
const WIDEST_BAR = COLUMN_WIDTH - NAME_WIDTH - VALUE_WIDTH;

/** A bar that is this many times as long as all others is cut, so that the others remain comparable. */
const FAR_OUT = 4;

/** The distance of the cut from the end of a bar, and the width of the cut. */
const CUT_AT = 24;
const CUT_WIDTH = 4;

/** How many characters of the footer fit into the width. */
const LETTERS = 165;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 20px; font-weight: 600; }
  .panel { font-size: 13px; font-weight: 600; }
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

/** Renders the chart as SVG. */
export function chart(results: Results): string {
  const { machine, date, rounds } = results;
  const tops = Array.from({ length: COLUMNS }, () => HEAD_HEIGHT);
  const panels = results.loads.map((load) => {
    // Put the panel into the shorter column.
    const top = Math.min(...tops);
    const column = tops.indexOf(top);
    const { svg, height } = panel(load, MARGIN + column * (COLUMN_WIDTH + MARGIN), top);
    tops[column] = top + height;
    return svg;
  });
  const bottom = Math.max(...tops);
  const foot = wrapped(versions(results)).map((line, index) =>
    text(MARGIN, bottom + LINE_HEIGHT * index, line, { kind: "faint" }),
  );
  const height = bottom + LINE_HEIGHT * foot.length + MARGIN;
  const where = `${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB, ${machine.system}, ${machine.storage}`;
  const times = rounds === 1 ? "one round" : `medians of ${rounds} rounds`;
  const when = `${date.slice(0, 10)}, commit ${machine.commit}, ${times}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>httpfstream measured against its peers</title>
<style>${STYLE}</style>
<rect class="background" width="${WIDTH}" height="${height}" rx="6"/>
${text(MARGIN, 36, "httpfstream and its peers, measured in one run", { kind: "title" })}
${text(MARGIN, 58, `${where}; ${when}`, { kind: "faint" })}
${[...panels, ...foot].join("\n")}
</svg>
`;
}

function panel(
  { title, metrics: [metric], rows }: LoadResult,
  left: number,
  top: number,
): { svg: string; height: number } {
  const measured = rows.filter(({ samples }) => samples.length > 0);
  const [longest = 0, second = longest] = measured.map((row) => medianOf(row, metric.key)).sort((a, b) => b - a);
  const most = metric.better === "less" && longest > FAR_OUT * second && second > 0 ? second : longest;
  const parts = [
    text(left, top + 14, title, { kind: "panel" }),
    text(left, top + 31, `${metric.title}, ${metric.better} is better`, { kind: "faint" }),
  ];
  measured.forEach((row, index) => {
    const value = medianOf(row, metric.key);
    const x = left + NAME_WIDTH;
    const y = top + TITLE_HEIGHT + BAR_STEP * index;
    const width = Math.max(1, Math.round((Math.min(most, Math.max(0, value)) / most) * WIDEST_BAR) || 0);
    const kind = row.isOurs ? "bar ours" : "bar";
    parts.push(
      text(x - 8, y + 11, nameOf(row), { anchor: "end" }),
      `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
      text(x + width + 6, y + 11, withUnit(value, metric.unit)),
    );
    if (value <= most) return;
    parts.push(
      `<rect class="background" x="${x + width - CUT_AT}" y="${y}" width="${CUT_WIDTH}" height="${BAR_HEIGHT}"/>`,
    );
  });
  return { svg: parts.join("\n"), height: TITLE_HEIGHT + BAR_STEP * measured.length + PANEL_GAP };
}

function text(x: number, y: number, words: string, { kind = "", anchor = "start" } = {}): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const attributes = `${kind && ` class="${kind}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text x="${x}" y="${y}"${attributes}>${safe}</text>`;
}

/** The names and versions of the peers, and the version of each runtime of httpfstream. */
function versions({ loads }: Results): string[] {
  const rows = loads.flatMap(({ rows }) => rows).filter(({ samples }) => samples.length > 0);
  return [...new Set(rows.map(({ isOurs, peer, version }) => (isOurs ? version : `${peer}: ${version}`)))];
}

/** Joins the parts to lines that fit into the width. */
function wrapped(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 2 <= LETTERS) lines[lines.length - 1] = `${last}; ${word}`;
    else lines.push(word);
  }
  return lines;
}
