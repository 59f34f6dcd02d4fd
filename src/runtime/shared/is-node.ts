/**
 * Distinguishes Node from the runtimes that imitate it.
 * @module
 */

/** Whether `node:http` and its sockets are those of Node itself, not of Deno or Bun. */
export const IS_NODE: boolean = !("Deno" in globalThis) && !("Bun" in globalThis);
