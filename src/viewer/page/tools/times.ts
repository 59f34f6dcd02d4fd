/**
 * Jumps to a time: many logs begin their lines with one, and the times only grow.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { plainTextOf } from "../rows/row.ts";

/** A time near the beginning of a line. */
const TIME = /(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?)\s?(Z|[+-]\d\d:?\d\d)?/;

/** Characters of a line in which its time stands. */
const PREFIX = 80;

/** Lines without a time to pass. */
const MOST_PASSED = 50;

/** The time of a line, in milliseconds since 1970. */
export function timeOf(text: string): number | undefined {
  const [, day, time = "", zone = ""] = TIME.exec(text.slice(0, PREFIX)) ?? [];
  if (day === undefined) return undefined;
  const value = Date.parse(`${day}T${time.replace(",", ".")}${zone}`);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * A time that a reader has typed: all of it, or only that of the day.
 *
 * @param near A time of the log, for the day and the zone.
 */
export function wantedTime(text: string, near: string): number | undefined {
  if (/^\d\d?:\d\d/.test(text)) {
    const [, day, , zone = ""] = TIME.exec(near.slice(0, PREFIX)) ?? [];
    const time = text.replace(/^(\d):/, "0$1:");
    return day === undefined ? undefined : timeOf(`${day}T${time.length === 5 ? `${time}:00` : time}${zone}`);
  }
  return timeOf(text) ?? timeOf(`${text}:00`) ?? timeOf(`${text}T00:00:00`);
}

/** The first line at a time or after it; undefined if lines have no times. */
export async function findTime(lines: Lines, text: string): Promise<number | undefined> {
  const first = await timedLine(lines, 0);
  const wanted = first && wantedTime(text, first.text);
  if (wanted === undefined) return undefined;
  let low = 0;
  let high = lines.size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await timedLine(lines, await lines.floor(middle));
    if (!found || found.offset >= high || found.time >= wanted) high = middle;
    else low = found.next;
  }
  const found = await timedLine(lines, await lines.floor(low));
  return found?.offset;
}

interface TimedLine {
  readonly offset: number;
  readonly next: number;
  readonly time: number;
  readonly text: string;
}

async function timedLine(lines: Lines, offset: number): Promise<TimedLine | undefined> {
  for (const { bytes, offset: at, next } of await lines.from(offset, MOST_PASSED)) {
    const text = plainTextOf(bytes);
    const time = timeOf(text);
    if (time !== undefined) return { offset: at, next, time, text };
  }
  return undefined;
}
