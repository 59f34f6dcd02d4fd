/**
 * Draws panels of bars as an SVG. Its colours follow the viewer's theme.
 * @module
 */

/** One bar. Its label shows its value. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly label: string;
  readonly isOurs: boolean;
}

/** Bars that are compared. With `isCut`, a bar that is four times as long as all others is cut, so that they remain so. */
export interface Panel {
  readonly title: string;
  readonly legend: string;
  readonly isCut: boolean;
  readonly bars: readonly Bar[];
}

/** The texts of a chart. */
export interface Chart {
  /** What it shows, in one sentence. */
  readonly summary: string;
  readonly title: string;
  readonly subtitle: string;
  readonly panels: readonly Panel[];
  readonly footer: readonly string[];
}

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

/** Draws the panels in two columns. */
export function barChart({ summary, title, subtitle, panels, footer }: Chart): string {
  const tops: [number, number] = [HEAD_HEIGHT, HEAD_HEIGHT];
  const drawn = panels.map((panel) => {
    // Put the panel into the shorter column.
    const column = tops[0] <= tops[1] ? 0 : 1;
    const svg = drawPanel(panel, MARGIN + column * (COLUMN_WIDTH + MARGIN), tops[column]);
    tops[column] += TITLE_HEIGHT + BAR_STEP * panel.bars.length + PANEL_GAP;
    return svg;
  });
  const bottom = Math.max(...tops);
  const height = bottom + LINE_HEIGHT * Math.ceil(footer.length / 2) + MARGIN;
  const notes = footer.map((note, index) =>
    text(MARGIN + (index % 2) * (WIDTH / 2), bottom + LINE_HEIGHT * Math.floor(index / 2), note, "faint"),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${summary}</title>
<style>${STYLE}</style>
<rect class="background" width="${WIDTH}" height="${height}" rx="6"/>
${text(MARGIN, 36, title, "title")}
${text(MARGIN, 58, subtitle, "faint")}
${[...drawn, ...notes].join("\n")}
</svg>
`;
}

function drawPanel({ title, legend, isCut, bars }: Panel, left: number, top: number): string {
  const [longest = 0, second = longest] = bars.map(({ value }) => value).sort((a, b) => b - a);
  const max = isCut && longest > 4 * second && second > 0 ? second : longest;
  const x = left + NAME_WIDTH;
  const lines = bars.flatMap(({ name, value, label, isOurs }, index) => {
    const y = top + TITLE_HEIGHT + BAR_STEP * index;
    const width = Math.max(1, Math.round((Math.min(max, Math.max(0, value)) / max) * WIDEST_BAR) || 0);
    const rect = (kind: string, x: number, width: number, more = ""): string =>
      `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}"${more}/>`;
    return [
      text(x - 8, y + 11, name, "", ' text-anchor="end"'),
      rect(isOurs ? "bar ours" : "bar", x, width, ' rx="2"'),
      text(x + width + 6, y + 11, label),
      // The cut of a bar that would be too long.
      ...(value > max ? [rect("background", x + width - 24, 4)] : []),
    ];
  });
  return [text(left, top + 14, title, "panel"), text(left, top + 31, legend, "faint"), ...lines].join("\n");
}

function text(x: number, y: number, words: string, kind = "", more = ""): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}${more}>${safe}</text>`;
}
