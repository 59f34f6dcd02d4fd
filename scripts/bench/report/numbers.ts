/**
 * Numbers for people.
 * @module
 */

const PREFIXES = ["", "k", "M", "G"];

/** Three digits or so, with k, M or G where there are many. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "–";
  let prefix = 0;
  let left = value;
  while (Math.abs(left) >= 10_000 && prefix < PREFIXES.length - 1) {
    left /= 1000;
    prefix++;
  }
  const digits = Math.abs(left) >= 100 ? 0 : Math.abs(left) >= 10 ? 1 : 2;
  return `${left.toFixed(digits)}${PREFIXES[prefix]}`;
}

/** A number with its unit. */
export function withUnit(value: number, unit: string): string {
  const number = readable(value);
  return number === "–" ? number : `${number}${unit === "%" || unit === "×" || unit === "/s" ? "" : " "}${unit}`;
}

/** A ratio. */
export function times(value: number): string {
  return Number.isFinite(value) ? `${readable(value)}×` : "–";
}
