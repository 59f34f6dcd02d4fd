/**
 * The header `Range`, as RFC 9110, section 14, has it.
 * @module
 */

/** A part of what is stored: its first byte, and the one just past its last. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Ranges in one header. More are an attack, or a mistake. */
const MOST_RANGES = 100;

/**
 * The one range that a header asks for. `whole`: everything is to be sent, as the header makes no sense, or asks for
 * several ranges that are not one together. `none`: all that it asks for lies past the end.
 *
 * @example
 * ```ts
 * wantedRange("bytes=-4", 10); // { from: 6, to: 10 }
 * ```
 */
export function wantedRange(header: string, size: number): ByteRange | "whole" | "none" {
  const [, list] = /^\s*bytes\s*=(.*)$/i.exec(header) ?? [];
  const asked =
    list
      ?.split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "") ?? [];
  if (asked.length === 0 || asked.length > MOST_RANGES) return "whole";
  const ranges: (ByteRange | undefined)[] = [];
  for (const part of asked) {
    const range = parseRange(part, size);
    if (range === "bad") return "whole";
    ranges.push(range);
  }
  const found = ranges.filter((range) => range !== undefined).sort((one, other) => one.from - other.from);
  return found.length === 0 ? "none" : joined(found);
}

/** Nothing for one past the end. */
function parseRange(part: string, size: number): ByteRange | "bad" | undefined {
  const [, first = "", last = ""] = /^(\d*)\s*-\s*(\d*)$/.exec(part) ?? [];
  if (first === "" && last === "") return "bad";
  if (first === "") {
    const length = Math.min(Number(last), size);
    // The last bytes of nothing are nothing, and that is not past the end.
    return Number(last) === 0 ? undefined : { from: size - length, to: size };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return "bad";
  return from < size ? { from, to: last === "" ? size : Math.min(Number(last) + 1, size) } : undefined;
}

/** Several ranges would need a body of several parts; the whole is an answer that every client must take. */
function joined(ranges: readonly ByteRange[]): ByteRange | "whole" {
  let [whole, ...rest] = ranges;
  for (const range of rest) {
    if (!whole || range.from > whole.to) return "whole";
    whole = { from: whole.from, to: Math.max(whole.to, range.to) };
  }
  // No Content-Range can say which part of nothing this is.
  return whole && whole.from < whole.to ? whole : "whole";
}
