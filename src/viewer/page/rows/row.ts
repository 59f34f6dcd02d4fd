/**
 * The row of a line. Its text is that of the line and nothing else: numbers and signs are generated content.
 * @module
 */
import type { Line } from "../bytes/lines.ts";
import { withSigns } from "../ui/signs.ts";
import { paintOf } from "./colour.ts";
import { type Run, show } from "./screen.ts";
import { PLAIN, type Style } from "./style.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** What may stand before a group: a time, as GitHub and GitLab write it into the logs that they keep, and colours. */
const BEFORE = "^\\ufeff?(?:\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z (?:\\d\\d[EO][ +])?)?(?:\\x1b\\[[\\d;]*[Km])*";

/** What GitLab writes at the end of a section. The next one begins on the same line. */
const SECTION_END = "section_end:\\d+:[\\w.-]+\\r(?:\\x1b\\[0?K)*";

/** Beginnings of lines that begin a group, of GitHub and Azure, and of GitLab. */
const GROUP = new RegExp(
  `${BEFORE}(?:##\\[group\\]|::group::|(?:${SECTION_END})*section_start:\\d+:([\\w.-]+)(?:\\[([^\\]]*)\\])?\\r)`,
);

const GROUP_END = new RegExp(`${BEFORE}(?:##\\[endgroup\\]|::endgroup::)`);

/** The end of a group; undefined if a line begins none. */
export function endOfGroup(begin: string): RegExp | undefined {
  const [whole, section] = GROUP.exec(begin) ?? [];
  if (whole === undefined) return undefined;
  if (section === undefined) return GROUP_END;
  return new RegExp(`${BEFORE}(?:${SECTION_END})*section_end:\\d+:${section.replaceAll(".", "\\.")}\\r`);
}

/** Text of a line's bytes. Bytes that are not UTF-8 become the replacement character. */
export function textOf(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

/** The text of a line as it is shown, without escape sequences. */
export function plainTextOf(bytes: Uint8Array): string {
  return show(textOf(bytes))
    .runs.map(({ text }) => text)
    .join("");
}

/** Fills a row with a line. */
export function fillRow(row: HTMLElement, line: Line, style: Style, isFolded: boolean): void {
  const text = textOf(line.bytes);
  const { runs } = show(text, style);
  const parts: Node[] = [];
  const [group, , options = ""] = GROUP.exec(text) ?? [];
  if (group !== undefined) {
    const fold = button("fold", isFolded ? "Show the group" : "Hide the group", !isFolded);
    if (/(?:^|,)collapsed=true(?:,|$)/.test(options)) fold.dataset.collapsed = "";
    parts.push(fold);
  }
  for (const run of runs) parts.push(...nodesOf(run));
  const { overwritten = 0 } = line;
  row.classList.toggle("overwritten", overwritten > 0);
  if (overwritten > 1) {
    const others = button("more", `Show ${overwritten - 1} more lines that were overwritten`);
    others.classList.add("others");
    others.dataset.more = `${overwritten - 1} overwritten lines`;
    parts.push(others);
  }
  parts.push(...moreOf(line));
  row.dataset.offset = String(line.offset);
  row.replaceChildren(...parts);
}

/** A button that shows more of a line, if there is more; where no more can be shown, how much that is. */
export function moreOf({ more, isExpanded }: Line): Node[] {
  if (more === 0) return [];
  if (isExpanded) {
    const rest = document.createElement("span");
    rest.className = "rest";
    rest.dataset.more = humanBytes(more);
    return [rest];
  }
  const shown = button("more", `Show more of this line: ${humanBytes(more)}`);
  shown.dataset.more = humanBytes(more);
  return [shown];
}

/** A button without text, since it is part of a row. */
function button(name: string, label: string, isExpanded?: boolean): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.setAttribute("aria-label", label);
  if (isExpanded !== undefined) made.setAttribute("aria-expanded", String(isExpanded));
  return made;
}

function nodesOf({ text, style }: Run): Node[] {
  const parts = withSigns(text);
  if (style === PLAIN) return parts;
  const { link, bold, italic, underline, strike } = style;
  const element = document.createElement(link === "" ? "span" : "a");
  element.append(...parts);
  if (element instanceof HTMLAnchorElement) {
    element.href = link;
    element.target = "_blank";
    element.rel = "noopener noreferrer nofollow";
    element.title = link;
  }
  const { color = "", background = "" } = paintOf(style);
  element.style.color = color;
  element.style.backgroundColor = background;
  if (bold) element.style.fontWeight = "bold";
  if (italic) element.style.fontStyle = "italic";
  const lines = [...(underline || link !== "" ? ["underline"] : []), ...(strike ? ["line-through"] : [])];
  if (lines.length > 0) element.style.textDecoration = lines.join(" ");
  return [element];
}

/** A number of bytes for people. */
export function humanBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
