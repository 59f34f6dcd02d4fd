/**
 * Whose turn it is: what is measured first finds another machine than what is measured last.
 * @module
 */

/**
 * The order of a round. Every other round is the one before it backwards; after these two, another one begins.
 *
 * @param round From 0.
 */
export function inTurns<Item>(items: readonly Item[], round: number): Item[] {
  const start = items.length === 0 ? 0 : (round >> 1) % items.length;
  const turned = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}
