/**
 * Finds the record of a path from which a read begins. What searches have found is remembered: the next read mostly begins where the
 * one before it ended.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { RecentMap } from "../connection/recent-map.ts";
import type { Place } from "../layout/layout.ts";
import { Chain, pointAfter } from "../records/chain.ts";
import { endOf, firstOf } from "../records/record.ts";
import type { Records, StoredRecord } from "../records/stored.ts";
import { KnownPlaces } from "./known-places.ts";
import { findRecord, has, type Probe } from "./search.ts";

/** How many paths are remembered. */
const REMEMBERED = 2_000;

/** A record that was read, with what the search needs of it. */
interface Found extends Probe {
  /** Undefined for a record that was not read, because what the search needs of it was known. */
  readonly stored: StoredRecord | undefined;
}

/** Finds records. */
export class Locator {
  readonly #records: Records;
  readonly #known: RecentMap<string, KnownPlaces> = new RecentMap(REMEMBERED);

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * The record with a byte, which must be before the end of the path.
   *
   * @param tail The last record of the path.
   * @throws {StreamError} `changed` if it is not there; what reading throws.
   */
  async find(place: Place, byte: number, tail: StoredRecord): Promise<StoredRecord> {
    const last = foundIn(tail);
    if (has(last, byte)) return tail;
    const { generation } = tail.record;
    const first = firstOf(tail.record);
    const known = this.#knownOf(place, generation);
    const low = known.below(byte) ?? { seq: first, offset: 0, end: 0 };
    const probe = async (seq: number): Promise<Found | undefined> => {
      const stored = await this.#records.next(place, seq);
      if (!stored) return undefined;
      const found = foundIn(stored);
      if (stored.record.generation === generation) known.add(found);
      return found;
    };
    const bounds = { low: { ...low, stored: undefined }, high: known.above(byte) ?? last };
    const found = await findRecord<Found>(byte, bounds, probe);
    const stored = found && (found.stored ?? (await this.#records.at(place, found.seq)));
    // A void record may have misled the search.
    const valid = (stored && (await this.#valid(place, stored, byte))) ?? (await this.#walk(place, first, byte));
    if (!valid || valid.record.generation !== generation) throw missing(place.path, byte);
    return valid;
  }

  #knownOf({ subject }: Place, generation: string): KnownPlaces {
    const known = this.#known.get(subject);
    if (known?.generation === generation) return known;
    const fresh = new KnownPlaces(generation);
    this.#known.set(subject, fresh);
    return fresh;
  }

  /**
   * A record that was found, if it counts, which means that it is the first one that continues the chain behind its
   * predecessor.
   */
  async #valid(place: Place, stored: StoredRecord, byte: number): Promise<StoredRecord | undefined> {
    const { seq, predecessor, first } = stored.record;
    if (first === 0) return stored;
    const next = await this.#records.next(place, predecessor + 1);
    return next?.record.seq === seq ? stored : await this.#walk(place, predecessor, byte);
  }

  /** Follows the chain from a record that counts, up to the record with a byte. */
  async #walk(place: Place, from: number, byte: number): Promise<StoredRecord | undefined> {
    const begin = await this.#records.at(place, from);
    const chain = new Chain(pointAfter(begin.record));
    let found = await this.#records.next(place, from + 1);
    while (found) {
      const isValid = chain.take(found.record);
      if (isValid && has(foundIn(found), byte)) return found;
      if (isValid && found.record.offset > byte) return undefined;
      found = await this.#records.next(place, found.record.seq + 1);
    }
    return undefined;
  }
}

function foundIn(stored: StoredRecord): Found {
  const { record } = stored;
  return { seq: record.seq, offset: record.offset, end: endOf(record), stored };
}

function missing(path: string, byte: number): StreamError {
  return new StreamError("changed", `The byte ${byte} of "/${path}" is missing.`, { path });
}
