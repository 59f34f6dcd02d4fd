/**
 * Finds the record of a path from which a read begins. The last finds are remembered: the next read mostly begins where the one
 * before it ended.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { RecentMap } from "../connection/recent-map.ts";
import type { Place } from "../layout/layout.ts";
import { Chain, pointAfter } from "../records/chain.ts";
import { dataBytesOf, endOf, firstOf, type PathRecord } from "../records/record.ts";
import type { Records, StoredRecord } from "../records/stored.ts";
import { findRecord, has, type Probe } from "./search.ts";

/** How many paths are remembered. */
const REMEMBERED = 10_000;

/** A record that was read, with what the search needs of it. */
interface Found extends Probe {
  /** Undefined for a record that was not read, because what the search needs of it was known. */
  readonly stored: StoredRecord | undefined;
}

/** What is remembered of a path: the last record that was found in it. */
interface Hit extends Probe {
  readonly generation: string;
}

/** Finds records. */
export class Locator {
  readonly #records: Records;
  readonly #hits: RecentMap<string, Hit> = new RecentMap(REMEMBERED);

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
    const hit = this.#hits.get(place.subject);
    const known = hit?.generation === generation && hit.offset <= byte ? { ...hit, stored: undefined } : undefined;
    const start: Found = known ?? { seq: first, offset: 0, end: 0, stored: undefined };
    const above = hit?.generation === generation && hit.offset > byte ? hit : last;
    const probe = async (seq: number): Promise<Found | undefined> => {
      const found = await this.#records.next(place, seq);
      return found && foundIn(found);
    };
    const found = await findRecord(byte, { low: start, high: above }, probe);
    const stored = found && (found.stored ?? (await this.#records.at(place, found.seq)));
    const valid = stored && (await this.#valid(place, stored, byte));
    if (!valid || valid.record.generation !== generation) throw missing(place.path, byte);
    this.remember(place, valid.record);
    return valid;
  }

  /** Remembers a record that was read. */
  remember({ subject }: Place, record: PathRecord): void {
    const { seq, offset, generation } = record;
    if (dataBytesOf(record) > 0) this.#hits.set(subject, { seq, offset, end: endOf(record), generation });
  }

  /**
   * The record with a byte that counts: the one that was found may be void, with one that counts between it and its
   * predecessor.
   */
  async #valid(place: Place, stored: StoredRecord, byte: number): Promise<StoredRecord | undefined> {
    const { seq, predecessor, first } = stored.record;
    if (first === 0) return stored;
    const next = await this.#records.next(place, predecessor + 1);
    if (next?.record.seq === seq) return stored;
    const before = await this.#records.at(place, predecessor);
    const chain = new Chain(pointAfter(before.record));
    for (let found = next; found; found = await this.#records.next(place, found.record.seq + 1)) {
      if (chain.take(found.record) && has(foundIn(found), byte)) return found;
      if (found.record.offset > byte && chain.point.end > byte) return undefined;
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
