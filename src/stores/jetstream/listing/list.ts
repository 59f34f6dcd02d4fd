/**
 * Listings of folders.
 * @module
 */
import { compareNames, SortedNames } from "../../../engine/storage/name-order.ts";
import type { ListOptions, StoreEntry } from "../../../engine/storage/store.ts";
import type { Core } from "../claims/core.ts";
import type { Folders } from "../claims/folders.ts";
import type { Looks } from "../claims/look.ts";
import { endOf, isFile, type PathRecord } from "../records/record.ts";
import { eachEntry, eachSession } from "./rows.ts";

/** A row before it is known whether its path has an appender. */
interface Entry {
  readonly size: number;
  readonly modifiedMs: number;
  /** The last record, if it may be part of an open append; undefined otherwise. */
  readonly last: PathRecord | undefined;
  readonly isFolder: boolean;
}

/** What a listing needs. */
export interface ListParts {
  readonly core: Core;
  readonly folders: Folders;
  readonly looks: Looks;
}

/**
 * The rows of a folder, sorted; undefined if there is no such folder. The last records of all entries are read when the first
 * row is requested: they are spread over the shards.
 *
 * @throws {StreamError} as {@link Store.list}.
 */
export async function listFolder(
  parts: ListParts,
  folder: string,
  options: ListOptions,
): Promise<AsyncIterable<StoreEntry> | undefined> {
  if (!(await parts.folders.has(folder))) return undefined;
  return rowsOf(parts, folder, options);
}

async function* rowsOf(
  { core, looks }: ListParts,
  folder: string,
  { after, limit = Number.POSITIVE_INFINITY, signal }: ListOptions,
): AsyncGenerator<StoreEntry, void, void> {
  if (limit === 0) return;
  const entries = new Map<string, Entry>();
  const sessions = new Set<string>();
  const names = new SortedNames();
  const isWanted = (name: string): boolean => after === undefined || compareNames(name, after) > 0;
  const take = (name: string, record: PathRecord): void => {
    const entry = isWanted(name) ? entryOf(record) : undefined;
    if (entry) entries.set(name, entry);
    // An ordered consumer that was created again may pass on a record that has changed meanwhile.
    else entries.delete(name);
  };
  await Promise.all([
    eachEntry(core, folder, take, signal),
    eachSession(core, folder, (name) => sessions.add(name), signal),
  ]);
  for (const name of entries.keys()) names.add(name);
  const prefix = folder === "" ? "" : `${folder}/`;
  let count = 0;
  for (let name = names.take(); name !== undefined && count < limit; name = names.take()) {
    const entry = entries.get(name);
    if (!entry) continue;
    const { size, modifiedMs, last, isFolder } = entry;
    const isAppending = last !== undefined && (await looks.claimState(prefix + name, last)) === "appending";
    const appending = !isFolder && (isAppending || sessions.has(name));
    count++;
    yield { name, kind: isFolder ? "folder" : "file", size, modified: new Date(modifiedMs), appending };
  }
}

/** The row of a record; undefined if it has none. */
function entryOf(record: PathRecord): Entry | undefined {
  const { modifiedMs } = record;
  if (record.type === "f") return { size: 0, modifiedMs, last: undefined, isFolder: true };
  if (!isFile(record) || record.isIncomplete) return undefined;
  return { size: endOf(record), modifiedMs, last: record.isKept ? undefined : record, isFolder: false };
}
