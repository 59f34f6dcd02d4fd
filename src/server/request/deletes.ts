/**
 * Which resources clients may remove.
 * @module
 */

/** The values of the option `deletes`. */
export const DELETES = ["created", "all", "none"] as const;

/**
 * Which resources a `DELETE` may remove. `created`: those that a `PUT` without a verb has created. `all`: any. `none`:
 * none.
 */
export type Deletes = (typeof DELETES)[number];

/**
 * Checks the option.
 *
 * @throws {TypeError} for any other value.
 */
export function checkDeletes(value: string): asserts value is Deletes {
  if (DELETES.some((known) => known === value)) return;
  throw new TypeError(`The option "deletes" must be ${DELETES.join(", ")}, not ${JSON.stringify(value)}.`);
}
