/**
 * The parts of a piece of JSON: keys, levels, messages, other values. A string ends in its line, so each line of a document that
 * is printed over several lines has its parts by itself.
 * @module
 */

/** What a part is; "" for signs and spaces. */
export type PartKind = "" | "key" | "text" | "word" | "message" | "level" | "level bad" | "level odd";

/** A part of some JSON. */
export interface Part {
  readonly text: string;
  readonly kind: PartKind;
}

/** Spaces and signs, a string with the colon after a key, a number or word; at the end, a string or word that is cut. */
const PART =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none of these
  /([\s[\]{},:]+)|("(?:[^"\\\0-\x1f]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])|("(?:[^"\\\0-\x1f]|\\.)*\\?$|[-\w.+]+$)/y;

/** Beginnings of words and numbers. */
const CUT_WORD = /^(?:"|-?\d+(?:\.\d*)?(?:[eE][+-]?\d*)?$|-$|(?:t|tr|tru|f|fa|fal|fals|n|nu|nul)$)/;

const LEVEL_KEYS = /^"(?:level|lvl|severity|log\.level|levelname)"/i;
const MESSAGE_KEYS = /^"(?:msg|message|event|text|content)"/i;

/** Levels by name, and by the numbers of pino and bunyan. */
const ERROR_LEVELS = /^"?(?:error|err|fatal|panic|crit(?:ical)?|alert|emerg(?:ency)?|[56]0)"?$/i;
const WARNING_LEVELS = /^"?(?:warn(?:ing)?|40)"?$/i;

/**
 * The parts of a piece of JSON; undefined if it has something that is not JSON.
 *
 * @param isCut Whether the piece may end within a string or a word.
 */
export function partsOf(text: string, isCut: boolean): Part[] | undefined {
  const parts: Part[] = [];
  let key = "";
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const [whole, signs, string, colon = "", word, rest] = PART.exec(text) ?? [];
    if (whole === undefined || (rest !== undefined && !(isCut && CUT_WORD.test(rest)))) return undefined;
    if (signs !== undefined) parts.push({ text: signs, kind: "" });
    else if (colon !== "") {
      key = whole;
      parts.push({ text: whole, kind: "key" });
      continue;
    } else parts.push({ text: whole, kind: kindOf(key, string ?? word ?? whole) });
    // A value may stand behind spaces.
    if (signs === undefined || signs.trim() !== "") key = "";
  }
  return parts;
}

function kindOf(key: string, value: string): PartKind {
  if (LEVEL_KEYS.test(key))
    return ERROR_LEVELS.test(value) ? "level bad" : WARNING_LEVELS.test(value) ? "level odd" : "level";
  if (MESSAGE_KEYS.test(key)) return "message";
  return value.startsWith('"') ? "text" : "word";
}
