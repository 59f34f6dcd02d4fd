/**
 * What one process remembers about subscriptions.
 * @module
 */
import type { SubscriptionName, SubscriptionRecord } from "../storage/subscription-record.ts";
import { isMatched, relativeTo } from "./watched-paths.ts";

/** Paths whose subscriptions are remembered. */
const MAX_PATHS = 10_000;

/** Subscriptions that are remembered for these paths, in all. */
const MAX_REMEMBERED = 100_000;

/** One subscription. Another process may have changed its record since. */
export class Entry {
  record: SubscriptionRecord;
  /** When the wake in flight is due, or ends. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether a check for pending work is running. */
  isEvaluating = false;
  /** Whether it was reported that it has too many streams. */
  isFull = false;
  /** The streams that have grown since the last check, each with the number of the notice. */
  readonly #grown = new Map<string, number>();
  #notices = 0;

  constructor(record: SubscriptionRecord) {
    this.record = record;
  }

  /** Whether a stream may have grown. */
  get hasGrown(): boolean {
    return this.#grown.size > 0;
  }

  /** How many streams may have grown. */
  get grownCount(): number {
    return this.#grown.size;
  }

  /** The relative paths of the streams that may have grown. Pass the result to {@link looked} once that is on record. */
  get grown(): readonly (readonly [path: string, notice: number])[] {
    return [...this.#grown];
  }

  /** Notes that a stream may have grown. */
  grew(path: string): void {
    this.#grown.set(path, ++this.#notices);
  }

  /** Forgets what was checked, except what has grown again since. */
  looked(grown: readonly (readonly [path: string, notice: number])[]): void {
    for (const [path, notice] of grown) if (this.#grown.get(path) === notice) this.#grown.delete(path);
  }
}

/** The subscriptions that one process knows, and which of them watch a path. */
export class Entries {
  readonly #entries = new Map<string, Entry>();
  readonly #watching = new Map<string, readonly (readonly [Entry, string])[]>();
  #remembered = 0;

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** All of them. */
  get all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  /** One of them. */
  get(name: SubscriptionName): Entry | undefined {
    return this.#entries.get(keyOf(name));
  }

  /** Stores a record. Returns the entry if the record is new to it. */
  take(record: SubscriptionRecord): Entry | undefined {
    const known = this.get(record);
    if (known?.record.nonce === record.nonce) {
      if (known.record.revision >= record.revision) return undefined;
      if (namedIn(known.record) !== namedIn(record)) this.#forget();
      known.record = record;
      return known;
    }
    clearTimeout(known?.timer);
    const entry = new Entry(record);
    this.#entries.set(keyOf(record), entry);
    this.#forget();
    return entry;
  }

  /** Forgets one. */
  drop(entry: Entry): void {
    clearTimeout(entry.timer);
    if (this.get(entry.record) === entry) this.#entries.delete(keyOf(entry.record));
    this.#forget();
  }

  /** The subscriptions that watch a resource path, each with the path relative to its root. */
  watching(path: string): readonly (readonly [Entry, string])[] {
    // Hot path: called for each batch that is stored.
    if (this.#entries.size === 0) return [];
    const known = this.#watching.get(path);
    if (known) return known;
    const found: [Entry, string][] = [];
    for (const entry of this.#entries.values()) {
      const relative = relativeTo(entry.record.root, path);
      if (relative !== undefined && isWatched(entry.record, relative)) found.push([entry, relative]);
    }
    if (this.#watching.size >= MAX_PATHS || this.#remembered >= MAX_REMEMBERED) this.#forget();
    this.#watching.set(path, found);
    this.#remembered += found.length;
    return found;
  }

  #forget(): void {
    this.#watching.clear();
    this.#remembered = 0;
  }
}

function isWatched(record: SubscriptionRecord, relative: string): boolean {
  if (isMatched(record, relative)) return true;
  return record.streams.some(({ path, explicit }) => explicit && path === relative);
}

/** The explicit streams: only these and the pattern determine what is watched. */
function namedIn({ streams }: SubscriptionRecord): string {
  return JSON.stringify(streams.filter(({ explicit }) => explicit).map(({ path }) => path));
}

/** The key of a subscription in maps and sets. */
export function keyOf({ root, id }: SubscriptionName): string {
  return JSON.stringify([root, id]);
}
