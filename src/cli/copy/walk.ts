/**
 * The paths of a store, one after the other.
 * @module
 */
import type { Store } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";

/** Rows that are read at once. Nothing of a listing stays open while its paths are copied, which may take hours. */
const PAGE_ROWS = 10_000;

/**
 * All resources at and below a path, in the order of their names.
 *
 * @param root The path of a resource or of a folder; the empty string for everything.
 * @throws {StreamError} `not_found` if there is none; what the store throws.
 */
export async function* pathsBelow(store: Store, root: string, signal: AbortSignal): AsyncGenerator<string, void, void> {
  if (root !== "" && (await store.stat(root))) yield root;
  else if (await store.list(root, { limit: 1, signal })) yield* pathsIn(store, root, signal);
  else throw new StreamError("not_found", `"/${root}" does not exist.`, { path: root });
}

async function* pathsIn(store: Store, folder: string, signal: AbortSignal): AsyncGenerator<string, void, void> {
  const pathOf = (name: string): string => (folder === "" ? name : `${folder}/${name}`);
  for (let after: string | undefined; ; ) {
    signal.throwIfAborted();
    const rows = await store.list(folder, { limit: PAGE_ROWS, signal, ...(after !== undefined && { after }) });
    // It may have gone since it was listed.
    if (!rows) return;
    const page: { readonly name: string; readonly kind: "file" | "folder" }[] = [];
    for await (const { name, kind } of rows) page.push({ name, kind });
    for (const { name, kind } of page) {
      if (kind === "file") yield pathOf(name);
      else yield* pathsIn(store, pathOf(name), signal);
    }
    after = page.at(-1)?.name;
    if (after === undefined || page.length < PAGE_ROWS) return;
  }
}
