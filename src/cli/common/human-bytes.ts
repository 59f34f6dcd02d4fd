/**
 * Numbers of bytes for people.
 * @module
 */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/**
 * Formats a number of bytes with a binary unit.
 *
 * @example
 * ```ts
 * humanBytes(1536); // "1.5 KiB"
 * ```
 */
export function humanBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return power === 0 ? `${Math.round(bytes)} B` : `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`;
}
