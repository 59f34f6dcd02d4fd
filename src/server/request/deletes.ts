/**
 * Which resources clients may remove.
 * @module
 */

/**
 * Which resources a `DELETE` may remove. `created`: those that a `PUT` without a verb has created. `all`: any. `none`:
 * clients can't remove anything.
 */
export type Deletes = "created" | "all" | "none";

/** The values of the option `deletes`. */
export const DELETES: readonly Deletes[] = ["created", "all", "none"];

/**
 * Checks the option.
 *
 * @throws {TypeError} for any other value.
 */
export function checkDeletes(value: string): asserts value is Deletes {
  if (DELETES.some((known) => known === value)) return;
  throw new TypeError(`The option "deletes" must be "created", "all" or "none", not ${JSON.stringify(value)}.`);
}
