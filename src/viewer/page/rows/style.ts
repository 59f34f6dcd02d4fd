/**
 * What escape sequences say about the look of text (SGR), and the styles that lines inherit.
 * @module
 */

/** A colour: -1 for the default, 0 to 255 of the palette, or 0x1000000 and the components of a true colour. */
export type Colour = number;

export const DEFAULT_COLOUR: Colour = -1;

const TRUE_COLOUR = 0x1000000;

/** The look of some text. */
export interface Style {
  readonly foreground: Colour;
  readonly background: Colour;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
  readonly hidden: boolean;
  /** Where it leads; empty for nowhere. */
  readonly link: string;
}

/** Text without any escape sequence. */
export const PLAIN: Style = {
  ...{ foreground: DEFAULT_COLOUR, background: DEFAULT_COLOUR, bold: false, dim: false, italic: false },
  ...{ underline: false, strike: false, inverse: false, hidden: false, link: "" },
};

/** Codes that only switch something. */
const SWITCHES: Readonly<Record<number, Partial<Style>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { hidden: false },
  29: { strike: false },
  39: { foreground: DEFAULT_COLOUR },
  49: { background: DEFAULT_COLOUR },
};

/** Codes that a colour follows, and what it is the colour of. That of underlines is not shown. */
const LAYERS: Readonly<Record<number, "foreground" | "background" | "">> = {
  38: "foreground",
  48: "background",
  58: "",
};

/** The style after a sequence, by its parameters. Unknown ones change nothing. */
export function restyled(style: Style, parameters: string): Style {
  if (!/^[\d:;]*$/.test(parameters)) return style;
  const codes = parameters.split(";");
  let next = style;
  for (let at = 0; at < codes.length; at++) {
    const [code = 0, ...sub] = (codes[at] ?? "").split(":").map(Number);
    const layer = LAYERS[code];
    if (layer !== undefined) {
      const isLong = sub.length === 0;
      const given = isLong ? codes.slice(at + 1, at + 5).map(Number) : sub;
      const { colour, used } = colourOf(given, isLong);
      if (isLong) at += used;
      if (colour !== undefined && layer !== "") next = { ...next, [layer]: colour };
    } else if (code === 4 && sub[0] === 0) next = { ...next, underline: false };
    else next = switched(next, code);
  }
  return next;
}

function switched(style: Style, code: number): Style {
  if (code === 0) return style.link === "" ? PLAIN : { ...PLAIN, link: style.link };
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return { ...style, ...SWITCHES[code] };
}

/** The colour behind a 38, 48 or 58, and how many parameters it has. With colons, a true colour may name a colour space. */
function colourOf(given: readonly number[], isLong: boolean): { colour: Colour | undefined; used: number } {
  const [kind, first = 0] = given;
  if (kind === 5) return { colour: component(first), used: 2 };
  if (kind !== 2) return { colour: undefined, used: 0 };
  const [red = 0, green = 0, blue = 0] = given.slice(isLong || given.length < 5 ? 1 : 2).map(component);
  return { colour: TRUE_COLOUR + (red << 16) + (green << 8) + blue, used: 4 };
}

function component(value: number): number {
  return Math.min(255, Math.max(0, Math.trunc(value) || 0));
}

/** The address of a link, if it is one that a page may lead to. */
export function safeLink(target: string): string {
  if (!/^https?:\/\//i.test(target)) return "";
  return URL.canParse(target) ? new URL(target).href : "";
}
