/**
 * The end of a path: its last valid record, and its last record, which may be void.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { RecentMap } from "../connection/recent-map.ts";
import type { Place } from "../layout/layout.ts";
import { Chain, type ChainPoint, pointAfter, START } from "./chain.ts";
import type { Records, StoredRecord } from "./stored.ts";

/** How many paths are remembered. */
const REMEMBERED = 10_000;

/** The end of a path. */
export interface Tail {
  /** The last valid record; undefined if there is none. */
  readonly stored: StoredRecord | undefined;
  /** What the next record must continue. */
  readonly point: ChainPoint;
  /** The sequence of the last record, valid or not; 0 if there is none. */
  readonly last: number;
}

const NONE: Tail = { stored: undefined, point: START, last: 0 };

/** Finds the ends of paths. */
export class Tails {
  readonly #records: Records;
  /** The sequence of the last record that is known to be valid, by subject. It stays valid: the order of a stream never changes. */
  readonly #valid: RecentMap<string, number> = new RecentMap(REMEMBERED);

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * Finds the end of a path.
   *
   * @throws {StreamError} `changed` if the chain is broken; what reading throws.
   */
  async of(place: Place): Promise<Tail> {
    const last = await this.#records.last(place);
    if (!last) return NONE;
    const { seq, predecessor } = last.record;
    const tail = { stored: last, point: pointAfter(last.record), last: seq };
    if (this.#valid.get(place.subject) === seq) return tail;
    // Only the first record behind its predecessor is certainly valid.
    const first = await this.#records.next(place, predecessor + 1);
    const found = !first || first.record.seq >= seq ? tail : await this.#lastValid(place, predecessor, seq);
    if (found.stored?.record.seq === seq) this.#valid.set(place.subject, seq);
    return found;
  }

  /** Follows the chain from the predecessor of a record, which may be void, to the last valid record. */
  async #lastValid(place: Place, predecessor: number, seq: number): Promise<Tail> {
    let found = await this.#records.next(place, predecessor);
    let stored: StoredRecord | undefined;
    let chain = new Chain({ ...START, seq: predecessor });
    if (found?.record.seq === predecessor) {
      stored = found;
      chain = new Chain(pointAfter(found.record));
      found = await this.#records.next(place, predecessor + 1);
    }
    while (found) {
      if (chain.take(found.record)) stored = found;
      if (found.record.seq >= seq) return { stored, point: stored ? chain.point : START, last: found.record.seq };
      found = await this.#records.next(place, found.record.seq + 1);
    }
    throw new StreamError("changed", `The records of "/${place.path}" do not follow one another.`, {
      path: place.path,
    });
  }
}
