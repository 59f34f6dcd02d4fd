/**
 * Decides which bytes count where records overlap.
 * @module
 */

/** Bytes at an offset. */
interface Placed {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The parts of records that no later record overwrites, in the order of their offsets. A failed append may have left a
 * record of bytes that were never written. The append that continued in its place has left the right bytes in a later
 * record.
 */
export function newestParts(records: readonly Placed[]): Placed[] {
  const parts: Placed[] = [];
  let covered: Span[] = [];
  for (const { offset, bytes } of [...records].reverse().filter((record) => record.bytes.length > 0)) {
    const whole = { from: offset, to: offset + bytes.length };
    for (const { from, to } of without(whole, covered)) {
      parts.push({ offset: from, bytes: bytes.subarray(from - offset, to - offset) });
    }
    covered = joined(whole, covered);
  }
  return parts.sort((one, other) => one.offset - other.offset);
}

function without(whole: Span, covered: readonly Span[]): Span[] {
  let left = [whole];
  for (const { from, to } of covered) {
    const parts = left.flatMap((span) => [
      { from: span.from, to: Math.min(span.to, from) },
      { from: Math.max(span.from, to), to: span.to },
    ]);
    left = parts.filter((part) => part.from < part.to);
  }
  return left;
}

/** Adds a span to the covered ones, and merges those that touch it. */
function joined(span: Span, covered: readonly Span[]): Span[] {
  const touches = ({ from, to }: Span): boolean => from <= span.to && to >= span.from;
  const touching = [span, ...covered.filter(touches)];
  const from = Math.min(...touching.map((one) => one.from));
  const to = Math.max(...touching.map((one) => one.to));
  return [...covered.filter((one) => !touches(one)), { from, to }];
}
