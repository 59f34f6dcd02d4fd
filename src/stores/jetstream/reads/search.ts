/**
 * Finds the record that has a byte. The records of many paths share one stream, so that the sequences of one path have gaps of
 * any size.
 * @module
 */

/** A record, as far as the search needs it. */
export interface Probe {
  /** Its sequence in the stream. */
  readonly seq: number;
  /** The offset of its first byte. */
  readonly offset: number;
  /** The offset just past its last byte. */
  readonly end: number;
}

/** The records between which the byte is: one that begins at or before it, and one that begins behind it. */
export interface Bounds<P extends Probe> {
  readonly low: P;
  /** Only its sequence and its offset count. */
  readonly high: Pick<Probe, "seq" | "offset">;
}

/** Whether a record has a byte. */
export function has({ offset, end }: Probe, byte: number): boolean {
  return offset <= byte && byte < end;
}

/**
 * Finds the record with a byte, by interpolation and bisection in turn: the one finds it at once where records are even, the
 * other bounds the number of looks where they are not.
 *
 * @param probe Returns the first record of the path from a sequence on; undefined if there is none.
 * @returns Undefined if no record between the bounds has the byte.
 */
export async function findRecord<P extends Probe>(
  byte: number,
  { low, high }: Bounds<P>,
  probe: (seq: number) => Promise<P | undefined>,
): Promise<P | undefined> {
  let below: P = low;
  let { seq: aboveSeq, offset: aboveOffset } = high;
  for (let turn = 0; !has(below, byte); turn++) {
    // All records from `least` to before `aboveSeq` are possible.
    const least = below.seq + 1;
    if (least >= aboveSeq) return undefined;
    const guess = turn % 2 === 0 ? interpolated(byte, below, aboveSeq, aboveOffset) : (least + aboveSeq) / 2;
    const seq = Math.min(aboveSeq - 1, Math.max(least, Math.floor(guess)));
    const found = await probe(seq);
    if (!found || found.seq >= aboveSeq) {
      aboveSeq = seq;
    } else if (found.offset > byte) {
      aboveSeq = seq;
      aboveOffset = found.offset;
    } else {
      below = found;
    }
  }
  return below;
}

function interpolated(byte: number, { seq, end }: Probe, aboveSeq: number, aboveOffset: number): number {
  const span = Math.max(1, aboveOffset - end);
  return seq + 1 + ((byte - end) / span) * (aboveSeq - seq - 1);
}
