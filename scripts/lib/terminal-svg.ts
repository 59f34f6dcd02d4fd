/**
 * Renders recorded terminals as an SVG that plays once and stops at the end. It follows the viewer's light or dark
 * theme. With reduced motion, or in a viewer without animation, it shows the final state.
 * @module
 */
import type { Change } from "./terminal-recording.ts";

/** A terminal to render. */
export interface Pane {
  readonly title: string;
  /** Its position in character cells, not counting the frames of other terminals. */
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
  readonly changes: readonly Change[];
}

const CELL = { width: 6.62, height: 15 };
const FONT_SIZE = 11;
const TITLE_HEIGHT = 22;
const PADDING = 8;
const GAP = 10;

const STYLE = `
  .frame { fill: #fff; stroke: #d0d7de }
  .bar { fill: #f6f8fa; stroke: #d0d7de }
  text { font: ${FONT_SIZE}px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
  .title { fill: #59636e }
  .typed { font-weight: 600; fill: #0550ae }
  .past { opacity: 0 }
  .on { animation: on 1ms var(--on) backwards }
  .past { animation: on 1ms var(--on) both, off 1ms var(--off) forwards }
  @keyframes on { from { opacity: 0 } to { opacity: 1 } }
  @keyframes off { to { opacity: 0 } }
  @media (prefers-color-scheme: dark) {
    .frame { fill: #0d1117; stroke: #3d444d }
    .bar { fill: #151b23; stroke: #3d444d }
    text { fill: #f0f6fc }
    .title { fill: #9198a1 }
    .typed { fill: #79c0ff }
  }
  @media (prefers-reduced-motion: reduce) { .on, .past { animation: none } }`;

/**
 * Renders the terminals.
 *
 * @param description The title of the picture, for screen readers.
 */
export function drawTerminals(panes: readonly Pane[], description: string): string {
  const right = Math.max(...panes.map((pane) => left(pane) + width(pane)));
  const bottom = Math.max(...panes.map((pane) => top(pane) + height(pane)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${right + 2} ${bottom + 2}" role="img">
<title>${escaped(description)}</title>
<style>${STYLE}
</style>
${panes.map(drawPane).join("\n")}
</svg>
`;
}

function drawPane(pane: Pane): string {
  const frame = `width="${width(pane)}" height="${height(pane)}" rx="6"`;
  return `<g transform="translate(${left(pane) + 1} ${top(pane) + 1})">
<rect class="frame" ${frame}/>
<path class="bar" d="M0 ${TITLE_HEIGHT} V6 a6 6 0 0 1 6 -6 H${width(pane) - 6} a6 6 0 0 1 6 6 V${TITLE_HEIGHT} Z"/>
<text class="title" x="${PADDING}" y="15">${escaped(pane.title)}</text>
${drawChanges(pane.changes).join("\n")}
</g>`;
}

function drawChanges(changes: readonly Change[]): string[] {
  return changes.flatMap((change, index) => {
    const { row, text, atMs } = change;
    const next = changes.slice(index + 1).find((later) => later.row === row);
    if (text === "") return [];
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)}s`;
    const timing = next ? `--on:${seconds(atMs)};--off:${seconds(next.atMs)}` : `--on:${seconds(atMs)}`;
    const classes = [next ? "past" : "on", ...(text.startsWith("$ ") ? ["typed"] : [])].join(" ");
    const y = TITLE_HEIGHT + PADDING + row * CELL.height + FONT_SIZE;
    return [`<text class="${classes}" style="${timing}" x="${PADDING}" y="${y}">${escaped(text)}</text>`];
  });
}

function left({ column }: Pane): number {
  return column === 0 ? 0 : Math.round(column * CELL.width + 2 * PADDING + GAP);
}

function top({ row }: Pane): number {
  return row === 0 ? 0 : row * CELL.height + TITLE_HEIGHT + 2 * PADDING + GAP;
}

function width({ columns }: Pane): number {
  return Math.round(columns * CELL.width + 2 * PADDING);
}

function height({ rows }: Pane): number {
  return TITLE_HEIGHT + rows * CELL.height + 2 * PADDING;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
