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
 * Finds the record with a byte. It interpolates, which finds the record at once where records are equally large, and
 * bounds how far a guess may be from the middle, so that no layout needs many more looks than bisection (the ITP method
 * of Oliveira and Takahashi).
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
  const guesses = new Guesses(aboveSeq - below.seq);
  while (!has(below, byte)) {
    // All records from `least` to before `aboveSeq` are possible.
    const least = below.seq + 1;
    if (least >= aboveSeq) return undefined;
    const guess = guesses.next(byte, below, aboveSeq, aboveOffset);
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

/** Where to look next. */
class Guesses {
  readonly #firstSpan: number;
  /** Half of the span that may be left after the next look. */
  #radius: number;

  /** @param span How many sequences are possible. */
  constructor(span: number) {
    this.#firstSpan = Math.max(1, span);
    // One look more than bisection needs.
    this.#radius = 2 ** Math.ceil(Math.log2(this.#firstSpan));
  }

  next(byte: number, { seq, end }: Probe, aboveSeq: number, aboveOffset: number): number {
    const span = aboveSeq - seq;
    const middle = seq + span / 2;
    const room = Math.max(0, this.#radius - span / 2);
    this.#radius /= 2;
    const straight = seq + ((byte - end) / Math.max(1, aboveOffset - end)) * span;
    // Between the straight line and the middle, so that the next look probably comes from the other side.
    const side = Math.sign(middle - straight);
    const shift = (TRUNCATION * span * span) / this.#firstSpan;
    const truncated = shift <= Math.abs(middle - straight) ? straight + side * shift : middle;
    return Math.abs(truncated - middle) <= room ? truncated : middle - side * room;
  }
}

/** How far a guess is moved towards the middle, as a part of the span. */
const TRUNCATION = 0.1;
