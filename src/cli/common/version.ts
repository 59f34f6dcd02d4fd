/**
 * The versions of this package and of the runtime.
 * @module
 */
import process from "node:process";

/** The version of this package. */
export const VERSION = "0.1.0";

/**
 * The name and version of the runtime.
 *
 * @example
 * ```ts
 * runtimeName(); // "node 20.20.2"
 * ```
 */
export function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun) return `bun ${bun}`;
  return deno ? `deno ${deno}` : `node ${node}`;
}
