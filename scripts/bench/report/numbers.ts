/**
 * Formats numbers for reports.
 * @module
 */

const PREFIXES = ["", "k", "M", "G"];

/** Formats a number with about three significant digits, with the prefix k, M or G from 10,000 on. */
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

/** Formats a number with its unit. */
export function withUnit(value: number, unit: string): string {
  const number = readable(value);
  return number === "–" ? number : `${number}${unit === "%" || unit === "×" || unit === "/s" ? "" : " "}${unit}`;
}

/** Formats a ratio. */
export function times(value: number): string {
  return Number.isFinite(value) ? `${readable(value)}×` : "–";
}
