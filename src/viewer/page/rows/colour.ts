/**
 * Colours that can be read: text has a contrast of at least 4.5 to what is behind it, in both themes.
 * @module
 */
import { type Colour, DEFAULT_COLOUR, type Style } from "./style.ts";

type Rgb = readonly [number, number, number];

/** Least contrast of text, by the Web Content Accessibility Guidelines. */
const CONTRAST = 4.5;

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** The backgrounds of the two themes, of a marked line in each: the one with less contrast. */
const LIGHT: Rgb = [255, 248, 197];
const DARK: Rgb = [58, 46, 11];

/** The first 16 colours of the palette. */
const PALETTE: readonly number[] = [
  ...[0x1f2328, 0xcd3131, 0x0a8a3a, 0x9a7500, 0x2472c8, 0xbc3fbc, 0x0f8a9a, 0xd0d4d8],
  ...[0x666c72, 0xf14c4c, 0x23d18b, 0xf5c543, 0x3b8eea, 0xd670d6, 0x29b8db, 0xf6f8fa],
];

const LEVELS = [0, 95, 135, 175, 215, 255];

/** The colours of some text as properties of CSS; none for what is left to the theme. */
export interface Paint {
  readonly color?: string;
  readonly background?: string;
}

/** The colours of a style. */
export function paintOf({ foreground, background, inverse, dim, hidden }: Style): Paint {
  const [text, behind] = inverse ? [background, foreground] : [foreground, background];
  if (behind === DEFAULT_COLOUR && !inverse) {
    if (text === DEFAULT_COLOUR) return dim || hidden ? { color: "var(--faint)" } : {};
    const colour = rgbOf(text);
    return { color: `light-dark(${css(readable(colour, LIGHT))}, ${css(readable(colour, DARK))})` };
  }
  if (behind === DEFAULT_COLOUR) {
    // The text of the theme becomes the background.
    const colour = text === DEFAULT_COLOUR ? undefined : rgbOf(text);
    const [light, dark] = [readable(colour ?? WHITE, [31, 35, 40]), readable(colour ?? BLACK, [230, 237, 243])];
    return { color: `light-dark(${css(light)}, ${css(dark)})`, background: "var(--text)" };
  }
  const back = rgbOf(behind);
  const front = text === DEFAULT_COLOUR ? best(back) : readable(rgbOf(text), back);
  return { color: css(front), background: css(back) };
}

function rgbOf(colour: Colour): Rgb {
  if (colour > 255) return split(colour);
  if (colour < 16) return split(PALETTE[colour] ?? 0);
  if (colour > 231) {
    const grey = 8 + (colour - 232) * 10;
    return [grey, grey, grey];
  }
  const at = colour - 16;
  return [LEVELS[Math.floor(at / 36)] ?? 0, LEVELS[Math.floor(at / 6) % 6] ?? 0, LEVELS[at % 6] ?? 0];
}

function split(colour: number): Rgb {
  return [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255];
}

/** The colour itself, or mixed with black or white until it can be read. */
function readable(colour: Rgb, behind: Rgb): Rgb {
  const target = best(behind);
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, target, part);
    if (contrast(mixed, behind) >= CONTRAST) return mixed;
  }
  return target;
}

function best(behind: Rgb): Rgb {
  return contrast(BLACK, behind) > contrast(WHITE, behind) ? BLACK : WHITE;
}

function mix([r, g, b]: Rgb, [red, green, blue]: Rgb, part: number): Rgb {
  const between = (from: number, to: number): number => Math.round(from + (to - from) * part);
  return [between(r, red), between(g, green), between(b, blue)];
}

function contrast(one: Rgb, other: Rgb): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: Rgb): number {
  const [r = 0, g = 0, b = 0] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function css(colour: Rgb): string {
  return `rgb(${colour.join(" ")})`;
}
