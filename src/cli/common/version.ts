/**
 * Who is running.
 * @module
 */
import process from "node:process";

/** This package's version. */
export const VERSION = "0.1.0";

/**
 * The runtime and its version.
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
