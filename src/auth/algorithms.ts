/**
 * The algorithms of signatures.
 * @module
 */

/** The names of the algorithms. */
export const ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"] as const;

/** One of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number];

/** The name that RFC 9864 gives to the only algorithm that `EdDSA` means here. */
const ED25519 = "Ed25519";

/**
 * The algorithm of a name; undefined if it is not supported, such as `none`.
 *
 * @example
 * ```ts
 * algorithmNamed("Ed25519"); // "EdDSA"
 * ```
 */
export function algorithmNamed(name: unknown): Algorithm | undefined {
  return name === ED25519 ? "EdDSA" : ALGORITHMS.find((known) => known === name);
}
