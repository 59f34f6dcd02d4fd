/**
 * Durations, as users type them.
 * @module
 */

/** What users may type, for the help. */
export const DURATION = "a number and s, m, h or d (s if left out)";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** The longest duration: about a hundred years. */
const MAX_SECONDS = 36_525 * 86_400;

/**
 * Parses a duration: a whole number, followed by s, m, h or d; seconds without a unit.
 *
 * @returns seconds.
 * @throws {TypeError} for anything else, for zero, and for more than a hundred years.
 * @example
 * ```ts
 * parseDuration("2h"); // 7200
 * ```
 */
export function parseDuration(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,10})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (SECONDS[unit || "s"] ?? 0);
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new TypeError(
    "It must be a whole number, followed by s (or nothing), m, h or d, such as 90s or 2h, of at most 100 years.",
  );
}

/**
 * As {@link parseDuration}, but zero is a duration, too.
 *
 * @returns seconds.
 * @throws {TypeError} for anything else, and for more than a hundred years.
 * @example
 * ```ts
 * parseDurationOrZero("0"); // 0
 * ```
 */
export function parseDurationOrZero(text: string): number {
  return /^0{1,10}[smhd]?$/.test(text) ? 0 : parseDuration(text);
}
