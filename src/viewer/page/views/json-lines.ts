/**
 * Lines of JSON with highlighted keys, levels and messages. The text of a row is that of its line.
 * @module
 */
import type { Line } from "../bytes/lines.ts";
import { fillRow, moreOf, textOf } from "../rows/row.ts";
import type { Style } from "../rows/style.ts";
import { withSigns } from "../ui/signs.ts";
import { partsOf } from "./json-parts.ts";
import { depthOf } from "./json-pieces.ts";

/** Fills a row with a line of JSON, or with a piece of one. Any other line is shown as in the log. */
export function fillJsonRow(row: HTMLElement, line: Line, style: Style, isFolded: boolean): void {
  const text = textOf(line.bytes).replace(/\r$/, "");
  const parts = partsOf(text, line.more > 0 || !line.isEnded);
  const level = parts?.find(({ kind }) => kind.startsWith("level "))?.kind.slice("level ".length);
  if (level === undefined) delete row.dataset.level;
  else row.dataset.level = level;
  row.style.setProperty("--depth", String(depthOf(line)));
  if (!parts) {
    fillRow(row, line, style, isFolded);
    return;
  }
  const nodes = parts.flatMap((part) => {
    if (part.kind === "") return withSigns(part.text);
    const element = document.createElement("span");
    element.className = part.kind;
    element.append(...withSigns(part.text));
    return [element];
  });
  row.dataset.offset = String(line.offset);
  row.replaceChildren(...nodes, ...moreOf(line));
}
