/**
 * The patterns of paths in tokens, options and subscriptions.
 * @module
 */

/** Maximum characters of a pattern. */
const MAX_CHARACTERS = 1024;

const ANY_SEGMENTS = "**";

/**
 * A pattern of paths. `*` stands for any run of characters within a segment, and a segment `**` for any number of
 * segments, also none. All other characters stand for themselves; case matters. The time to match grows with the
 * product of the two lengths, and never exponentially.
 *
 * @example
 * ```ts
 * new Glob("/build/**").matches(["build", "42.log"]); // true
 * new Glob("/build/*.log").matches(["build", "a", "42.log"]); // false
 * ```
 */
export class Glob {
  readonly #segments: readonly string[];

  /**
   * @param text The pattern, with a leading slash. It matches decoded paths, so it contains no percent-encoding.
   * @throws {TypeError} for a pattern that is not one, or that can't match any path.
   */
  constructor(text: string) {
    const fault = faultOf(text);
    if (fault !== undefined) {
      const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
      throw new TypeError(`${shown} is not a pattern of paths: ${fault}.`);
    }
    this.#segments = segmentsOf(text.slice(1));
  }

  /** Whether a path, given as its segments, matches; the root folder has no segments. */
  matches(path: readonly string[]): boolean {
    return isMatch(this.#segments, path, ANY_SEGMENTS, segmentMatches);
  }

  /** Whether the pattern could match the folder or a path below it. */
  reachesInto(folder: readonly string[]): boolean {
    const segments = this.#segments;
    const anyAt = segments.indexOf(ANY_SEGMENTS);
    // Behind `**`, a path can continue with whatever the pattern still needs.
    const fixed = anyAt === -1 ? segments : segments.slice(0, anyAt);
    if (anyAt === -1 && folder.length > fixed.length) return false;
    return folder.slice(0, fixed.length).every((name, index) => segmentMatches(fixed[index] ?? "", name));
  }
}

/**
 * The segments of a resource path without a leading slash; empty for the root.
 *
 * @example
 * ```ts
 * segmentsOf("build/42.log"); // ["build", "42.log"]
 * segmentsOf(""); // []
 * ```
 */
export function segmentsOf(path: string): string[] {
  return path === "" ? [] : path.split("/");
}

function faultOf(text: string): string | undefined {
  if (!text.startsWith("/")) return "it must begin with a slash";
  if (text.length > MAX_CHARACTERS) return `it has more than ${MAX_CHARACTERS} characters`;
  for (const segment of segmentsOf(text.slice(1))) {
    if (segment === "") return "it has an empty segment, or a slash at its end";
    if (segment === "." || segment === "..") return `no path has a segment "${segment}"`;
    if (segment.includes(ANY_SEGMENTS) && segment !== ANY_SEGMENTS) return '"**" must be a whole segment';
  }
  return undefined;
}

function segmentMatches(pattern: string, name: string): boolean {
  if (pattern === "*" || pattern === name) return true;
  return pattern.includes("*") && isMatch(pattern, name, "*", (one, other) => one === other);
}

/**
 * Matches a sequence against a pattern in which `star` stands for any run of items. Only the last star is ever
 * extended: what an earlier one would match, the last one can match too.
 */
function isMatch(
  pattern: ArrayLike<string>,
  items: ArrayLike<string>,
  star: string,
  equals: (pattern: string, item: string) => boolean,
): boolean {
  let at = 0;
  let starAt = -1;
  let starTakes = 0;
  for (let index = 0; index < items.length; ) {
    const wanted = pattern[at];
    if (wanted === star) {
      starAt = at++;
      starTakes = index;
    } else if (wanted !== undefined && equals(wanted, items[index] ?? "")) {
      at++;
      index++;
    } else if (starAt >= 0) {
      at = starAt + 1;
      index = ++starTakes;
    } else {
      return false;
    }
  }
  while (pattern[at] === star) at++;
  return at === pattern.length;
}
