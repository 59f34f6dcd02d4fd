/**
 * Varies the order of measurements, because the state of the machine changes during a run.
 * @module
 */

/**
 * Returns the order of the items in a round. Each odd round reverses the one before it; each even round starts with the
 * next item.
 *
 * @param round The number of the round, from 0.
 */
export function inTurns<Item>(items: readonly Item[], round: number): Item[] {
  const start = items.length === 0 ? 0 : (round >> 1) % items.length;
  const turned = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}
