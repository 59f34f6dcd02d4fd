/**
 * The `Range` header (RFC 9110, section 14).
 * @module
 */

/** Part of the stored bytes: the offset of its first byte, and the offset just past its last byte. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Maximum number of ranges in one header. More are an attack or a mistake. */
const MAX_RANGES = 100;

/**
 * The single range that a header asks for. `whole`: send everything, because the header is invalid or asks for several
 * ranges that do not join into one. `none`: everything that it asks for lies past the end.
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
  if (asked.length === 0 || asked.length > MAX_RANGES) return "whole";
  const ranges: (ByteRange | undefined)[] = [];
  for (const part of asked) {
    const range = parseRange(part, size);
    if (range === "bad") return "whole";
    ranges.push(range);
  }
  const found = ranges.filter((range) => range !== undefined).sort((one, other) => one.from - other.from);
  return found.length === 0 ? "none" : joined(found);
}

/** Parses one range; `undefined` if it is unsatisfiable. */
function parseRange(part: string, size: number): ByteRange | "bad" | undefined {
  const [, first = "", last = ""] = /^(\d*)\s*-\s*(\d*)$/.exec(part) ?? [];
  if (first === "" && last === "") return "bad";
  if (first === "") {
    const length = Math.min(Number(last), size);
    // A suffix of zero bytes is unsatisfiable. Any other suffix of an empty resource is empty, not past the end.
    return Number(last) === 0 ? undefined : { from: size - length, to: size };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return "bad";
  return from < size ? { from, to: last === "" ? size : Math.min(Number(last) + 1, size) } : undefined;
}

/**
 * Joins ranges that overlap or touch. Others would need a multipart body; every client must accept the whole instead.
 */
function joined(ranges: readonly ByteRange[]): ByteRange | "whole" {
  let [whole, ...rest] = ranges;
  for (const range of rest) {
    if (!whole || range.from > whole.to) return "whole";
    whole = { from: whole.from, to: Math.max(whole.to, range.to) };
  }
  // Content-Range cannot express an empty range.
  return whole && whole.from < whole.to ? whole : "whole";
}
