/**
 * Suggestions for misspelled names.
 * @module
 */

/** The largest share of a name's characters that a suggestion may change. */
const MAX_CHANGED = 0.4;

/**
 * The known name that is most similar to a given one, without regard to case; undefined if no name is similar.
 *
 * @example
 * ```ts
 * nearestName("gracems", ["graceMs", "batchBytes"]); // "graceMs"
 * ```
 */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, changes: editDistance(given.toLowerCase(), name.toLowerCase()) }));
  ranked.sort((one, other) => one.changes - other.changes);
  const [best] = ranked;
  return best && best.changes <= best.name.length * MAX_CHANGED ? best.name : undefined;
}

/** The number of characters to insert, remove or replace to turn one text into another (Levenshtein). */
function editDistance(from: string, to: string): number {
  const target = [...to];
  let row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of target.entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[target.length] ?? 0;
}
