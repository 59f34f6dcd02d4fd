/**
 * The order of the entries of a folder.
 * @module
 */
import type { Entry } from "./entries.ts";

/** What to sort by. */
export type SortKey = "name" | "size" | "modified";

/** An order. Folders come first; by time, live paths come before the others. */
export interface Order {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

const NAMES = new Intl.Collator(undefined, { numeric: true });

/** Compares two entries. */
export function compare({ key, isDescending }: Order): (one: Entry, other: Entry) => number {
  const sign = isDescending ? -1 : 1;
  return (one, other) => {
    if (one.kind !== other.kind) return one.kind === "folder" ? -1 : 1;
    if (key === "modified" && one.appending !== other.appending) return one.appending ? -1 : 1;
    const order =
      key === "size" ? one.size - other.size : key === "modified" ? one.modified.localeCompare(other.modified) : 0;
    return sign * order || (key === "name" ? sign : 1) * NAMES.compare(one.name, other.name);
  };
}
