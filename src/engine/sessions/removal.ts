/**
 * Removes a resource. It never ends an append: a path with an appender is not removed.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { assertNoSession } from "../append/claim.ts";
import { checkFound, checkRequiredGeneration, type PathPreconditions } from "../append/preconditions.ts";
import { appenderConflict } from "../storage/conflicts.ts";
import { lookAgain } from "../storage/look-again.ts";
import type { Store } from "../storage/store.ts";
import type { Appends } from "./appends.ts";

/**
 * Removes a resource. Resolves to whether there was one.
 *
 * @param terms Preconditions for the path. Default: none.
 * @param requestId The id of the request. Default: none.
 * @throws {StreamError} `in_use` if the path has an appender, or a session that waits for its appender;
 * `precondition_failed`, `replaced`, `path_conflict` for a folder, `restarting`; what {@link Store.remove} throws.
 */
export async function removePath(
  { registry, sessions }: Appends,
  path: string,
  terms: PathPreconditions = {},
  requestId?: string,
): Promise<boolean> {
  const { store } = registry;
  // A session that its former server left behind must claim its path, or the removal would take the path from it.
  await sessions.adopt(path);
  // While the store removes the path, it may say that the path is appended to: it has claimed it itself.
  const check = async (): Promise<void> => {
    await assertNoSession(store, path);
    checkFound(await store.stat(path), path, terms);
  };
  try {
    await checkRequiredGeneration(store, path, terms);
    const isRemoved = await registry.whileFree(path, async () => {
      const found = await lookAgain(store, async () => {
        const found = await store.stat(path);
        if (found?.appending) throw appenderConflict(path);
        // Not every store calls `check`.
        checkFound(found, path, terms);
        return found;
      });
      return found !== undefined && store.remove(path, check);
    });
    if (isRemoved) registry.removed(path, requestId);
    else await refuseFolder(store, path);
    return isRemoved;
  } catch (error) {
    throw inUse(error, path);
  }
}

async function refuseFolder(store: Store, path: string): Promise<void> {
  const rows = await store.list(path, { limit: 1 });
  if (rows) throw new StreamError("path_conflict", `"/${path}" is a folder. Only files can be removed.`, { path });
}

/** Converts `conflict` to `in_use`. */
function inUse(error: unknown, path: string): unknown {
  if (!(error instanceof StreamError) || error.code !== "conflict") return error;
  const { headers } = error;
  const message = `"/${path}" has an appender, so it was not removed. Try again when the append has ended.`;
  return new StreamError("in_use", message, { path, headers, cause: error });
}
