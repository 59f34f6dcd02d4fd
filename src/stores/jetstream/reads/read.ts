/**
 * Reads ranges of paths.
 * @module
 */
import { rangeStream } from "../../../engine/storage/range-stream.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { checkGeneration } from "../../../protocol/generation.ts";
import type { Place } from "../layout/layout.ts";
import type { Leaders } from "../nodes/leaders.ts";
import { endOf, isFile } from "../records/record.ts";
import type { Records, StoredRecord } from "../records/stored.ts";
import type { Tails } from "../records/tails.ts";
import type { Locator } from "./located.ts";
import { RangeRecords } from "./range.ts";

/** Bytes of the largest piece, if the reader does not provide the memory. */
const PIECE_BYTES = 256 * 1024;

/** What a read needs. */
export interface ReadParts {
  readonly records: Records;
  readonly tails: Tails;
  readonly leaders: Leaders;
  readonly locator: Locator;
  readonly placeOf: (path: string) => Place;
}

/** What to read. */
export interface ReadOf {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal | undefined;
  readonly generation: string | undefined;
}

/**
 * The bytes of a range, read on demand.
 *
 * @param ready Resolves when the store is open.
 */
export function readRange(ready: () => Promise<ReadParts>, range: ReadOf): ReadableStream<Uint8Array> {
  const { from, to, signal } = range;
  const reader = new RangeReader(ready, range);
  return rangeStream({
    ...{ from, to, pieceBytes: PIECE_BYTES, signal },
    read: (into) => reader.read(into),
    close: () => reader.close(),
  });
}

/** Reads the bytes of one range, from the first to the last. */
class RangeReader {
  readonly #ready: () => Promise<ReadParts>;
  readonly #range: ReadOf;
  #records: RangeRecords | undefined;
  #pieces: AsyncGenerator<Uint8Array, void, void> | undefined;
  /** The rest of the last piece. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(ready: () => Promise<ReadParts>, range: ReadOf) {
    this.#ready = ready;
    this.#range = range;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#rest.length === 0) {
      this.#pieces ??= await this.#open();
      const { done, value } = await this.#pieces.next();
      if (done) throw fewer(this.#range.path);
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  close(): void {
    this.#records?.close();
    this.#rest = new Uint8Array(0);
  }

  async #open(): Promise<AsyncGenerator<Uint8Array, void, void>> {
    const parts = await this.#ready();
    const { path, from, to } = this.#range;
    const place = parts.placeOf(path);
    const first = await this.#sure(parts, place, async () => {
      const { stored } = await parts.tails.of(place);
      this.#check(stored);
      return await parts.locator.find(place, from, stored);
    });
    this.#records = new RangeRecords(parts.records, { place, from, to, first });
    return this.#records.pieces();
  }

  /** @throws {StreamError} `replaced` for another generation, `changed` if the bytes are not there. */
  #check(tail: StoredRecord | undefined): asserts tail is StoredRecord {
    const { path, to, generation } = this.#range;
    const record = tail?.record;
    checkGeneration(path, generation, isFile(record) ? record.generation : undefined);
    if (!isFile(record) || endOf(record) < to) throw fewer(path);
  }

  /**
   * Looks again before it refuses: a leader that has lost its majority still answers, with an old state. Between the
   * two looks, it stores a barrier, which such a leader can't do.
   */
  async #sure<T>({ leaders }: ReadParts, { stream }: Place, look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      const code = error instanceof StreamError ? error.code : undefined;
      if (code !== "changed" && code !== "replaced") throw error;
      await leaders.barrier(stream);
      return await look();
    }
  }
}

function fewer(path: string): StreamError {
  return new StreamError("changed", `"/${path}" has fewer bytes than were stored.`, { path });
}
