/**
 * Follows the append of another node, from one holder of the path to the next, until it has ended.
 * @module
 */
import type { Growth } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import type { Core } from "../claims/core.ts";
import type { Looks } from "../claims/look.ts";
import type { Place } from "../layout/layout.ts";
import { Chain } from "../records/chain.ts";
import { endedOf, isFile, isHolding, type PathRecord } from "../records/record.ts";
import type { StoredRecord } from "../records/stored.ts";
import type { Arrived } from "./tap.ts";
import type { OpenTap, Taps } from "./taps.ts";

/** Milliseconds for which an append may have no holder, on its way from one node to the next. */
const SUCCESSOR_MS = 2_500;

/** What a watch needs. */
export interface WatchParts {
  readonly core: Core;
  readonly taps: Taps;
  readonly looks: Looks;
  /** Whether a path has a session on record. */
  readonly hasSession: (path: string) => Promise<boolean>;
}

/**
 * The updates on a path that a node holds; undefined if no node does. See {@link Store.watch}.
 *
 * @throws {StreamError} what reading throws.
 */
export async function watchPath(
  parts: WatchParts,
  path: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<Growth, void, void> | undefined> {
  const place = parts.core.layout.placeOf(path);
  // Opened before the path is looked at, so that nothing is missed in between.
  const opened = await parts.taps.open(place);
  try {
    const { stored, point } = await parts.core.tails.of(place);
    const record = stored?.record;
    if (isFile(record) && (await parts.looks.holding(path, record)) !== "free") {
      return new Watch(parts, { place, opened, signal }, record, new Chain(point)).updates();
    }
  } catch (error) {
    opened.close();
    throw error;
  }
  opened.close();
  return undefined;
}

interface Watched {
  readonly place: Place;
  readonly opened: OpenTap;
  readonly signal: AbortSignal;
}

class Watch {
  readonly #parts: WatchParts;
  readonly #watched: Watched;
  readonly #generation: string;
  #chain: Chain;
  /** The last valid record that was seen. */
  #record: PathRecord;
  /** The size that was reported last. */
  #size: number;
  /** Since when the path has no holder, on the clock of `performance.now()`; undefined while it has one. */
  #freeSinceMs: number | undefined;

  constructor(parts: WatchParts, watched: Watched, record: PathRecord, chain: Chain) {
    this.#parts = parts;
    this.#watched = watched;
    this.#record = record;
    this.#chain = chain;
    this.#generation = record.generation;
    this.#size = chain.point.end;
  }

  async *updates(): AsyncGenerator<Growth, void, void> {
    const { opened, signal } = this.#watched;
    try {
      yield { size: this.#size };
      while (!signal.aborted) {
        for await (const update of this.#updatesIn(await opened.tap.next(signal))) {
          yield update;
          if (update.ended) return;
        }
      }
    } finally {
      opened.close();
    }
  }

  async *#updatesIn({ records, isGap, isQuiet }: Arrived): AsyncGenerator<Growth, void, void> {
    const { signal } = this.#watched;
    for (const stored of records) {
      if (signal.aborted) return;
      const update = await this.#take(stored);
      if (update) yield update;
    }
    if (signal.aborted || (!isGap && !isQuiet)) return;
    const update = (await this.#look()) ?? (isQuiet ? await this.#lookForHolder() : undefined);
    if (update) yield update;
  }

  /** Takes a record that has arrived. */
  async #take(stored: StoredRecord): Promise<Growth | undefined> {
    const { record, payload } = stored;
    if (record.seq <= this.#chain.point.seq) return undefined;
    // It is void, or one before it is missing.
    if (!this.#chain.take(record)) return await this.#look();
    const bytes = record.parts ? undefined : payload.subarray(record.noteBytes ?? 0);
    return this.#follow(record, bytes);
  }

  /** Looks at the end of the path. */
  async #look(): Promise<Growth | undefined> {
    const { stored, point } = await this.#parts.core.tails.of(this.#watched.place);
    // A leader that has lost its majority may know less than what has arrived.
    if (!stored || point.seq <= this.#chain.point.seq) return stored ? undefined : this.#ended("deleted");
    this.#chain = new Chain(point);
    return this.#follow(stored.record, undefined);
  }

  /** The update of a record that counts. */
  #follow(record: PathRecord, bytes: Uint8Array | undefined): Growth | undefined {
    this.#record = record;
    const { type, reason } = record;
    if (type === "x" || type === "f") return this.#ended("deleted");
    if (record.generation !== this.#generation) return this.#ended("replaced");
    const size = this.#chain.point.end;
    const hasGrown = size > this.#size;
    this.#size = size;
    if (type === "c" && reason && reason !== "restarting") return { size, ended: reason };
    if (isHolding(record)) {
      this.#freeSinceMs = undefined;
    } else {
      this.#freeSinceMs ??= performance.now();
      this.#watched.opened.tap.hurry();
    }
    if (!hasGrown) return undefined;
    return bytes ? { size, bytes } : { size };
  }

  /** Finds out whether the append goes on, after a time without news. */
  async #lookForHolder(): Promise<Growth | undefined> {
    const { place, opened } = this.#watched;
    const holding = await this.#parts.looks.holding(place.path, this.#record);
    if (holding !== "free") return undefined;
    opened.tap.hurry();
    // A session on record may continue the append.
    const mayGoOn = !isHolding(this.#record) || (await this.#parts.hasSession(place.path));
    this.#freeSinceMs ??= performance.now();
    if (mayGoOn) return performance.now() - this.#freeSinceMs > SUCCESSOR_MS ? this.#ended("restarting") : undefined;
    // Its holder may have stored something since it was looked at.
    const update = await this.#look();
    if (update || isHolding(this.#record) === false) return update;
    const ended = endedOf(this.#record);
    return this.#ended(ended === "unknown" ? "lost" : ended);
  }

  #ended(ended: EndReason): Growth {
    return { size: this.#size, ended };
  }
}
