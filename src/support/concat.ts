/**
 * Pieces of bytes as one.
 * @module
 */

/**
 * Joins pieces. A single piece is returned as it is.
 *
 * @param length Their length in bytes, all together.
 * @example
 * ```ts
 * concat([new Uint8Array([1]), new Uint8Array([2, 3])], 3); // 1, 2, 3
 * ```
 */
export function concat(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces;
  if (only && pieces.length === 1) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
