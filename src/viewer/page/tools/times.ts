/**
 * Times: many logs begin their lines with one, and these only grow. Of lines that arrive while the page is open, the page
 * knows when it saw them ({@link Arrivals}).
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { plainTextOf } from "../rows/row.ts";
import type { Arrivals } from "./arrivals.ts";

/** A time near the beginning of a line. */
const TIME = /(\d{4}[-/]\d\d[-/]\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?)\s?(Z|[+-]\d\d:?\d\d)?/;

/** Characters of a line in which its time stands. */
const PREFIX = 80;

/** Most bytes of lines without a time to pass, such as those of a long trace of calls. */
const MAX_PASSED_BYTES = 4 * 1024 * 1024;

/**
 * The time of a line, in milliseconds since 1970.
 *
 * @param usualZone The zone of a time that names none. Default: that of the reader.
 */
export function timeOf(text: string, usualZone = ""): number | undefined {
  const [, day, time = "", zone = usualZone] = TIME.exec(text.slice(0, PREFIX)) ?? [];
  if (day === undefined) return undefined;
  const value = Date.parse(`${day.replaceAll("/", "-")}T${time.replace(",", ".")}${zone}`);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * A time that a reader has typed: all of it, or only that of the day.
 *
 * @param near A time of the log, for the day and the zone.
 */
export function wantedTime(text: string, near: string): number | undefined {
  const [, day, , zone] = TIME.exec(near.slice(0, PREFIX)) ?? [];
  if (/^\d\d?:\d\d/.test(text)) {
    const time = text.replace(/^(\d):/, "0$1:");
    return day === undefined ? undefined : timeOf(`${day}T${time.length === 5 ? `${time}:00` : time}`, zone);
  }
  return timeOf(text, zone) ?? timeOf(`${text}:00`, zone) ?? timeOf(`${text}T00:00:00`, zone);
}

/** The first line at a time or after it; undefined if lines have no times. */
export async function findTime(lines: Lines, text: string): Promise<number | undefined> {
  const first = await timedLine(lines, 0, lines.size);
  const wanted = first && wantedTime(text, first.text);
  if (wanted === undefined) return undefined;
  let low = 0;
  let high = lines.size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await timedLine(lines, await lines.floor(middle), high);
    if (!found || found.time >= wanted) high = middle;
    else low = found.next;
  }
  // All lines may be earlier.
  const found = low < lines.size ? await timedLine(lines, await lines.floor(low), lines.size) : undefined;
  return found?.offset;
}

interface TimedLine {
  readonly offset: number;
  readonly next: number;
  readonly time: number;
  readonly text: string;
}

/** The first line with a time that begins between two offsets. */
async function timedLine(lines: Lines, offset: number, end: number): Promise<TimedLine | undefined> {
  for (let at = offset; at < Math.min(end, offset + MAX_PASSED_BYTES); ) {
    const { bytes, next } = await lines.line(at);
    const text = plainTextOf(bytes);
    const time = timeOf(text);
    if (time !== undefined) return { offset: at, next, time, text };
    at = next;
  }
  return undefined;
}

/** The first byte that arrived at a time or after it; undefined if that is not known. */
export function findArrival({ all }: Arrivals, text: string, nowMs: number): number | undefined {
  const today = new Date(nowMs).toLocaleDateString("sv");
  const wanted = wantedTime(text, `${today}T00:00:00`);
  const found = all.findIndex(({ timeMs }) => wanted !== undefined && timeMs >= wanted);
  const isBefore = found === 0 && wanted !== undefined && (all[0]?.timeMs ?? 0) - wanted >= 60_000;
  return isBefore ? undefined : all[found]?.from;
}
