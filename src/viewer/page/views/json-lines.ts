/**
 * Lines of JSON with highlighted keys, levels and messages. The text of a row is that of its line.
 * @module
 */
import type { Line } from "../bytes/lines.ts";
import { fillRow, textOf } from "../rows/row.ts";
import type { Style } from "../rows/style.ts";
import { withSigns } from "../ui/signs.ts";

/** A string, number or word of JSON. The group is the colon after a key. */
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

const LEVEL_KEYS = /^"(?:level|lvl|severity|log\.level|levelname)"/i;
const MESSAGE_KEYS = /^"(?:msg|message|event|text|content)"/i;

/** Levels by name, and by the numbers of pino and bunyan. */
const ERROR_LEVELS = /^"?(?:error|err|fatal|panic|crit(?:ical)?|alert|emerg(?:ency)?|[56]0)"?$/i;
const WARNING_LEVELS = /^"?(?:warn(?:ing)?|40)"?$/i;

/** Fills a row with a line of JSON. Any other line is shown as in the log. */
export function fillJsonRow(row: HTMLElement, line: Line, style: Style, isFolded: boolean): void {
  const text = textOf(line.bytes).replace(/\r$/, "");
  if (line.more > 0 || !/^\s*[[{]/.test(text) || !isJson(text)) {
    fillRow(row, line, style, isFolded);
    return;
  }
  const parts: Node[] = [];
  let at = 0;
  let key = "";
  for (const { 0: token, 1: colon, index } of text.matchAll(TOKEN)) {
    if (index > at) parts.push(...withSigns(text.slice(at, index)));
    at = index + token.length;
    const part = document.createElement("span");
    part.className = colon === undefined ? classOf(key, token) : "key";
    part.append(...withSigns(token));
    parts.push(part);
    key = colon === undefined ? "" : token;
  }
  parts.push(...withSigns(text.slice(at)));
  row.dataset.offset = String(line.offset);
  row.replaceChildren(...parts);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function classOf(key: string, value: string): string {
  if (LEVEL_KEYS.test(key))
    return ERROR_LEVELS.test(value) ? "level bad" : WARNING_LEVELS.test(value) ? "level odd" : "level";
  if (MESSAGE_KEYS.test(key)) return "message";
  return value.startsWith('"') ? "text" : "word";
}
