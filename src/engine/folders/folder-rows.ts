/**
 * The rows of one folder, as far as they are known.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import { compareNames } from "../storage/name-order.ts";
import type { StoreEntry } from "../storage/store.ts";
import type { LiveAppends } from "./live-appends.ts";

/** A row of a live listing. */
export interface FolderRow extends StoreEntry {
  /** Whether it is being appended to: by any process, or, below a folder, by this one. */
  readonly appending: boolean;
  /** How the last append ended, if that is known and none is under way. */
  readonly reason?: EndedReason | undefined;
}

/** Rows that have gone and are remembered. */
const MAX_GONE = 10_000;

/** What was found when a folder was listed. */
export interface Found {
  readonly rows: readonly StoreEntry[];
  /** Whether there are more rows behind the last one. */
  readonly isCut: boolean;
}

/** What has changed. */
export interface FolderChange {
  /** The names of rows that have changed, are new, or have gone. */
  readonly names: ReadonlySet<string>;
  /** Rows whose append in another process has ended. */
  readonly ended: readonly string[];
}

/** The rows of a folder. What this process does is known at once, and the rest from listings. */
export class FolderRows {
  readonly #rows = new Map<string, FolderRow>();
  /** Rows that have gone, as they were: who may not see a row may not learn that it has gone. */
  readonly #gone = new Map<string, FolderRow>();
  readonly #live: LiveAppends;
  readonly #prefix: string;

  /** @param folder The resource path of the folder; empty for the root. */
  constructor(folder: string, live: LiveAppends) {
    this.#prefix = folder === "" ? "" : `${folder}/`;
    this.#live = live;
  }

  /** All rows, those of the last listing in its order. */
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

  /** Something has happened to a resource of this folder in this process. */
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

  /** An append in this process has ended. */
  ended(name: string, size: number, reason: EndedReason): void {
    const modified = this.#rows.get(name)?.modified ?? new Date();
    this.#rows.set(name, { name, kind: "file", size, modified, appending: false, reason });
  }

  /** What a row was before it has gone; undefined if that is not known any more. */
  goneOf(name: string): FolderRow | undefined {
    return this.#gone.get(name);
  }

  /** A resource of this folder was removed. */
  removed(name: string): void {
    const row = this.#rows.get(name);
    if (!row) return;
    this.#rows.delete(name);
    this.#gone.delete(name);
    this.#gone.set(name, row);
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined && this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
  }

  /** An append below a folder of this folder has begun or ended in this process. */
  movedBelow(name: string): void {
    const appending = this.#live.isBelow(this.#prefix + name);
    const { modified = new Date() } = this.#rows.get(name) ?? {};
    if (appending || this.#rows.has(name)) {
      this.#rows.set(name, { name, kind: "folder", size: 0, modified, appending });
    }
  }

  /** It has become known how an append in another process has ended. */
  explain(name: string, reason: EndedReason): void {
    const row = this.#rows.get(name);
    if (row && !row.appending) this.#rows.set(name, { ...row, reason });
  }

  /**
   * Takes over what was found.
   *
   * @param touched Names to which something has happened in this process meanwhile: the listing may be older.
   */
  replace({ rows, isCut }: Found, touched: ReadonlySet<string>): FolderChange {
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
      // It may still be there, among the rows that are not listed.
      if (!isCut || last === undefined || compareNames(name, last) < 0) names.add(name);
    }
    return { names, ended };
  }

  #seen(entry: StoreEntry, known: FolderRow | undefined): FolderRow {
    const { name, kind, appending = false } = entry;
    const path = this.#prefix + name;
    if (kind === "folder") return { ...entry, appending: this.#live.isBelow(path) };
    const append = this.#live.of(path);
    // Its size and its time are known better here.
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
