/**
 * The logs that are shown: lines of a hundred bytes that say which line they are, one in eight of them coloured.
 * @module
 */
import { closeSync, openSync, writeSync } from "node:fs";

/** Bytes of a line without colours, with its newline. */
const PLAIN_BYTES = 107;

const START_MS = Date.UTC(2026, 0, 1);

/** A word that no line has. */
export const ABSENT = "no line has this";

/** Lines to write at once. */
const LINES_AT_ONCE = 8192;

/** One line, without its newline. */
export function lineOf(number: number): string {
  const time = new Date(START_MS + number * 7).toISOString();
  const text = `${time} #${String(number).padStart(9, "0")} worker ${number % 64} has answered request ${(number * 2654435761) >>> 0} from its cache`;
  const padded = text.padEnd(PLAIN_BYTES - 1, ".").slice(0, PLAIN_BYTES - 1);
  return number % 8 === 0 ? `\x1b[33m${padded}\x1b[0m` : padded;
}

/** Some lines, with their newlines. */
export function linesOf(from: number, count: number): string {
  return `${Array.from({ length: count }, (_, at) => lineOf(from + at)).join("\n")}\n`;
}

/** Writes a log of about that many bytes. Returns its size and its number of lines. */
export function writeLog(file: string, bytes: number): { readonly bytes: number; readonly lines: number } {
  const log = openSync(file, "w");
  let [written, lines] = [0, 0];
  try {
    while (written < bytes) {
      const count = Math.min(LINES_AT_ONCE, Math.ceil((bytes - written) / PLAIN_BYTES));
      written += writeSync(log, linesOf(lines, count));
      lines += count;
    }
  } finally {
    closeSync(log);
  }
  return { bytes: written, lines };
}
