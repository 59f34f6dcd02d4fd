/**
 * Paths that stand for all that a pattern matches, to ask the gate about.
 * @module
 */

/** How many segments `**` stands for in the probes. */
const DEPTHS = [0, 1, 2, 5];

/**
 * Paths that the pattern of a subscription matches, with random names. A client that may read them may read any name at
 * that depth: a permission for `events/*` does not include `events/**`.
 *
 * @example
 * ```ts
 * probesOf("events/*"); // ["events/5f0c…"]
 * ```
 */
export function probesOf(pattern: string | undefined): string[] {
  if (pattern === undefined) return [];
  const segments = pattern.split("/");
  const depths = segments.includes("**") ? DEPTHS : [0];
  const probes = depths.map((depth) =>
    segments
      .flatMap((segment) =>
        segment === "**" ? Array.from({ length: depth }, anyName) : segment.replaceAll("*", anyName),
      )
      .join("/"),
  );
  return probes.filter((path) => path !== "");
}

function anyName(): string {
  return crypto.randomUUID();
}
