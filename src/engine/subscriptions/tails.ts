/**
 * Finds the ends of streams.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { lineEndOf } from "../storage/json-tail.ts";
import type { Store } from "../storage/store.ts";
import type { Tail, Tails } from "./transitions.ts";
import { below } from "./watched-paths.ts";

/** Maximum number of checks at a time. */
const LOOKS = 16;

/**
 * The ends of streams, by path relative to a root. The end is the one that readers see: for a JSON stream, the end of
 * its last message.
 *
 * @throws {StreamError} what {@link Store.stat} throws.
 */
export async function tailsOf(store: Store, root: string, paths: readonly string[]): Promise<Tails> {
  const tails = new Map<string, Tail>();
  const left = [...paths];
  const look = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const tail = await tailOf(store, below(root, path));
      if (tail) tails.set(path, tail);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LOOKS, paths.length) }, look));
  return tails;
}

async function tailOf(store: Store, path: string): Promise<Tail | undefined> {
  const found = await store.stat(path).catch((error: unknown) => {
    // A path below a file does not exist, like any other that was never written.
    if (error instanceof StreamError && (error.code === "path_conflict" || error.code === "bad_path")) return undefined;
    throw error;
  });
  if (!found) return undefined;
  const { size, generation, stream } = found;
  return { offset: isJsonType(stream?.type) ? await lineEndOf(store, path, found) : size, generation };
}
