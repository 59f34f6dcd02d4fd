/**
 * Which records of a path count.
 *
 * The server checks that a record follows the last one of its subject, but under some faults it has stored one that does
 * not. So each record names its predecessor. One that does not continue the chain is void, for every reader alike: they
 * all see the records in the order of the stream.
 * @module
 */
import { claimOf, endOf, type PathRecord } from "./record.ts";

/** A place in the chain: what the next record must continue. */
export interface ChainPoint {
  /** The sequence of the last valid record; 0 before the first one. */
  readonly seq: number;
  /** Where the next byte goes. */
  readonly end: number;
  /** The sequence of the present claim. */
  readonly claim: number;
  /** The generation of the content; empty if there is none. */
  readonly generation: string;
}

/** Before the first record of a path. */
export const START: ChainPoint = { seq: 0, end: 0, claim: 0, generation: "" };

/** The place after a record, which is known to be valid. */
export function pointAfter(record: PathRecord): ChainPoint {
  const isNothing = record.type === "x" || record.type === "f";
  return {
    seq: record.seq,
    end: isNothing ? 0 : endOf(record),
    claim: claimOf(record),
    generation: isNothing ? "" : record.generation,
  };
}

/** Whether a record continues the chain at a place. */
export function isNext(point: ChainPoint, record: PathRecord): boolean {
  if (record.predecessor !== point.seq) return false;
  const { type, offset, generation, first, claim } = record;
  // A folder, or the removal of a folder that is not needed.
  if (type === "f" || generation === "") return point.generation === "";
  // A claim that creates the content, perhaps in place of one that was never completed.
  if (type === "o" && first === 0) return offset === 0 && generation !== point.generation;
  if (generation !== point.generation || offset !== point.end) return false;
  return type === "o" || claim === point.claim;
}

/**
 * Tells a void record from one whose predecessors were removed since: the path was removed, and perhaps created again.
 * A void record continues one that its server knew, which is not behind the place, or another void one.
 */
export class Gap {
  readonly #last: number;
  readonly #voids = new Set<number>();

  /** @param last The sequence of the last record that was seen, valid or not. */
  constructor(last: number) {
    this.#last = last;
  }

  /** Whether records are missing between the last one and this one; otherwise, this one is void. */
  isBefore({ seq, predecessor, type, first }: PathRecord): boolean {
    if (predecessor > this.#last && !this.#voids.has(predecessor)) return true;
    // It creates the path, of which there was something before.
    if (type === "o" && first === 0 && predecessor === 0 && this.#last > 0) return true;
    this.#voids.add(seq);
    return false;
  }
}

/** Passes on the valid records of a path, one after the other. */
export class Chain {
  #point: ChainPoint;

  /** @param point Where it begins. */
  constructor(point: ChainPoint) {
    this.#point = point;
  }

  /** The place after the last valid record. */
  get point(): ChainPoint {
    return this.#point;
  }

  /** Takes the next record of the path; returns whether it is valid. */
  take(record: PathRecord): boolean {
    if (!isNext(this.#point, record)) return false;
    this.#point = pointAfter(record);
    return true;
  }
}
