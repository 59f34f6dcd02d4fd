/**
 * HTTP dates (RFC 9110, section 5.6.7).
 * @module
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** The first and the last second whose year has four digits. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59Z");

type Triple = readonly [number, number, number];

/** The current format, and the two obsolete ones that servers must still accept. */
const FORMS = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/**
 * Parses an HTTP date to milliseconds since 1970. `undefined` if it is invalid; the header is then to be ignored.
 *
 * @example
 * ```ts
 * parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"); // 784111777000
 * ```
 */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const found = form.exec(text.trim())?.groups;
    if (!found) continue;
    const { year = "", month = "", day, hour, minute, second } = found;
    return dateOf([fullYear(year), MONTHS.indexOf(month), Number(day)], [Number(hour), Number(minute), Number(second)]);
  }
  return undefined;
}

/** `Date` would roll a day or an hour that does not exist over to a later one. */
function dateOf([year, month, day]: Triple, [hour, minute, second]: Triple): number | undefined {
  const midnight = new Date(Date.UTC(year, month, day));
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined;
  // A leap second has the number 60.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** A two-digit year means the one that is at most fifty years in the future. */
function fullYear(year: string): number {
  if (year.length === 4) return Number(year);
  const now = new Date().getUTCFullYear();
  const full = now - (now % 100) + Number(year);
  return full > now + 50 ? full - 100 : full;
}

/**
 * The nearest date that HTTP can express, with a four-digit year; 1970 for an invalid date. A file's time can be set to
 * anything.
 *
 * @example
 * ```ts
 * writableDate(new Date(8.64e15)).getUTCFullYear(); // 9999
 * ```
 */
export function writableDate(date: Date): Date {
  const ms = date.getTime();
  return Number.isNaN(ms) ? new Date(0) : new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS));
}
