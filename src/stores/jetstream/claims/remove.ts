/**
 * Removes paths.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { isFile } from "../records/record.ts";
import type { Claims } from "./claim.ts";
import type { Core } from "./core.ts";

/**
 * Removes a path and everything on record about it; see {@link Store.remove}. The path is claimed meanwhile, so no
 * append can begin.
 *
 * @throws {StreamError} as {@link Store.remove}.
 */
export async function removePath(
  core: Core,
  claims: Claims,
  path: string,
  check?: () => Promise<void>,
): Promise<boolean> {
  if (path === "") return false;
  const { stored } = await core.tails.of(core.layout.placeOf(path));
  const record = stored?.record;
  if (!isFile(record)) return false;
  // A content that was never completed can't be continued, so the path is claimed as if it were created.
  const create = record.isIncomplete === true;
  const handle = await claims.claim(path, { create, kept: true }).catch((error: unknown) => {
    if (error instanceof StreamError && error.code === "not_found") return undefined;
    throw error;
  });
  if (!handle) return false;
  try {
    await check?.();
  } catch (error) {
    await handle.release();
    throw error;
  }
  await handle.remove();
  await core.notes.end(path);
  return true;
}
