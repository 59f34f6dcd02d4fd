/**
 * Removes the beginning of a fork whose copy has failed, or whose server has died.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { AppendRegistry } from "../append/registry.ts";
import { appenderConflict } from "../storage/conflicts.ts";

/**
 * Removes an incomplete stream, unless it is being copied: for readers it does not exist, so no request could remove it.
 * Resolves to whether it is gone.
 *
 * @throws {StreamError} what removing it throws.
 */
export async function removeIncomplete(registry: AppendRegistry, path: string): Promise<boolean> {
  const { store } = registry;
  // The copy may have been completed since the caller checked.
  const check = async (): Promise<void> => {
    if (await store.stat(path)) throw appenderConflict(path);
  };
  try {
    if (registry.isTaken(path)) return false;
    await registry.whileFree(path, () => store.remove(path, check));
    return true;
  } catch (error) {
    if (error instanceof StreamError && error.code === "conflict") return false;
    throw error;
  }
}
