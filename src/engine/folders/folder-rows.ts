/**
 * The known rows of one folder.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import { compareNames } from "../storage/name-order.ts";
import type { Store, StoreEntry } from "../storage/store.ts";
import type { LiveAppends } from "./live-appends.ts";

/** A row of a live listing. */
export interface FolderRow extends StoreEntry {
  /** For a file: whether any process appends to it. For a folder: whether any is known to append to a path below it. */
  readonly appending: boolean;
  /** How the last append ended; undefined while one is under way, or if that is not on record. */
  readonly reason?: EndedReason | undefined;
}

/** Maximum number of removed rows that are remembered. */
const MAX_GONE = 10_000;

/** The result of listing a folder. */
export interface Found {
  readonly rows: readonly StoreEntry[];
  /** The names of the folders below which other servers append; see {@link Store.appendedBelow}. Default: none. */
  readonly elsewhere?: ReadonlySet<string> | undefined;
  /** Whether the folder has more rows than these. */
  readonly isCut: boolean;
}

/** The difference that a listing made. */
export interface FolderChange {
  /** The names of rows that were added, changed or removed. */
  readonly names: ReadonlySet<string>;
  /** The names of rows whose append in another process has ended. */
  readonly ended: readonly string[];
}

/** The rows of a folder. Events of this process update them at once, listings add the changes of other processes. */
export class FolderRows {
  readonly #rows = new Map<string, FolderRow>();
  /** Removed rows, as they were: a client that may not see a row must not learn of its removal either. */
  readonly #gone = new Map<string, FolderRow>();
  readonly #live: LiveAppends;
  readonly #prefix: string;
  #elsewhere: ReadonlySet<string> | undefined;

  /** @param folder The resource path of the folder; empty for the root. */
  constructor(folder: string, live: LiveAppends) {
    this.#prefix = folder === "" ? "" : `${folder}/`;
    this.#live = live;
  }

  /** All rows; those of the first listing come first, in its order. */
  get all(): Iterable<FolderRow> {
    return this.#rows.values();
  }

  /** The number of rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** The row of a name; undefined if there is none. */
  of(name: string): FolderRow | undefined {
    return this.#rows.get(name);
  }

  /** Updates a row from the append of this process, if there is one. */
  moved(name: string): void {
    const append = this.#live.of(this.#prefix + name);
    if (!append) return;
    const known = this.#rows.get(name);
    const { size, isKept } = append;
    const appending = !isKept;
    if (known?.size === size && known.appending === appending) return;
    const modified = known?.size === size ? known.modified : new Date();
    this.#rows.set(name, rowOf({ name, kind: "file", size, modified, appending }, isKept ? known?.reason : undefined));
  }

  /** Notes that an append in this process has ended. */
  ended(name: string, size: number, reason: EndedReason): void {
    const modified = this.#rows.get(name)?.modified ?? new Date();
    this.#rows.set(name, { name, kind: "file", size, modified, appending: false, reason });
  }

  /** A row as it was before its removal; undefined if that is forgotten. */
  goneOf(name: string): FolderRow | undefined {
    return this.#gone.get(name);
  }

  /** Notes that a resource of this folder was removed. */
  removed(name: string): void {
    const row = this.#rows.get(name);
    if (!row) return;
    this.#rows.delete(name);
    this.#gone.delete(name);
    this.#gone.set(name, row);
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined && this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
  }

  /** Notes that an append of this process has begun or ended below a subfolder. */
  movedBelow(name: string): void {
    const known = this.#rows.get(name);
    // Another server may have begun to append below the folder since it was asked: only its next answer ends that.
    const appending = this.#isBelow(name) || (this.#elsewhere !== undefined && known?.appending === true);
    const { modified = new Date() } = known ?? {};
    if (appending || known) {
      this.#rows.set(name, { name, kind: "folder", size: 0, modified, appending });
    }
  }

  /** Adds how the append of another process has ended. */
  explain(name: string, reason: EndedReason): void {
    const row = this.#rows.get(name);
    if (row && !row.appending) this.#rows.set(name, { ...row, reason });
  }

  /**
   * Updates the rows from a listing.
   *
   * @param touched Names that this process has changed since the listing began: the listing may be older.
   */
  replace({ rows, elsewhere, isCut }: Found, touched: ReadonlySet<string>): FolderChange {
    this.#elsewhere = elsewhere;
    const names = new Set<string>();
    const ended: string[] = [];
    const listed = new Set<string>();
    for (const entry of rows) {
      listed.add(entry.name);
      if (touched.has(entry.name)) continue;
      const known = this.#rows.get(entry.name);
      const row = this.#seen(entry, known);
      if (known && isSame(known, row)) continue;
      if (known?.appending && !row.appending && row.kind === "file") ended.push(row.name);
      this.#rows.set(row.name, row);
      names.add(row.name);
    }
    const last = rows.at(-1)?.name;
    for (const name of this.#rows.keys()) {
      if (listed.has(name) || touched.has(name) || this.#live.of(this.#prefix + name)) continue;
      this.removed(name);
      // Behind the last listed row, it may still exist.
      if (!isCut || last === undefined || compareNames(name, last) < 0) names.add(name);
    }
    return { names, ended };
  }

  #isBelow(name: string): boolean {
    return this.#elsewhere?.has(name) || this.#live.isBelow(this.#prefix + name);
  }

  #seen(entry: StoreEntry, known: FolderRow | undefined): FolderRow {
    const { name, kind, appending = false } = entry;
    if (kind === "folder") return { ...entry, appending: this.#isBelow(name) };
    const append = this.#live.of(this.#prefix + name);
    // The row of an append of this process is newer than the listing.
    if (append && known) return known;
    const isSameContent = known?.size === entry.size && !known.appending && !appending;
    return rowOf(
      { ...entry, appending: append ? !append.isKept : appending },
      isSameContent ? known.reason : undefined,
    );
  }
}

function rowOf(row: FolderRow, reason: EndedReason | undefined): FolderRow {
  return reason ? { ...row, reason } : row;
}

function isSame(one: FolderRow, other: FolderRow): boolean {
  const isSameTime = one.modified.getTime() === other.modified.getTime();
  return one.kind === other.kind && one.size === other.size && isSameTime && one.appending === other.appending;
}
