/**
 * Dates as HTTP writes them (RFC 9110, section 5.6.7).
 * @module
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** The moments between which a year has four digits. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59Z");

type Triple = readonly [number, number, number];

/** The form of today, and the two of old that a server must still understand. */
const FORMS = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/**
 * A date in milliseconds since 1970; nothing for what is no HTTP date, which is to be ignored.
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

/** `Date` would take a day or an hour that does not exist for a later one. */
function dateOf([year, month, day]: Triple, [hour, minute, second]: Triple): number | undefined {
  const midnight = new Date(Date.UTC(year, month, day));
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined;
  // A leap second has the number 60.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** Two digits mean the year that is at most fifty years ahead. */
function fullYear(year: string): number {
  if (year.length === 4) return Number(year);
  const now = new Date().getUTCFullYear();
  const full = now - (now % 100) + Number(year);
  return full > now + 50 ? full - 100 : full;
}

/**
 * The nearest moment that HTTP can tell, which has four digits for the year; 1970 for a date that is none. A file's time may be
 * set to anything.
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
