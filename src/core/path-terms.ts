/**
 * What a path must be like for an append to begin.
 * @module
 */
import { StreamError } from "./errors.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "./offset.ts";
import type { AppendHandle, Store, StoreStat } from "./store.ts";

/** Preconditions for an append. A path that does not meet them is left as it is. */
export interface PathTerms {
  /** The size that it must have, in bytes; 0 also for a path that does not exist. */
  readonly offset?: number | undefined;
  /** Whether it must exist. Default: whatever the offset says. */
  readonly exists?: boolean;
  /**
   * Looks at what there is: nothing for a path that does not exist.
   *
   * @throws {StreamError} `precondition_failed`
   */
  check?(found: StoreStat | undefined, path: string): void;
}

/** Whether the terms can only hold for a path that exists. */
export function mustExist({ offset = 0, exists = false }: PathTerms): boolean {
  return exists || offset > 0;
}

/**
 * Looks at a path before it is claimed, which may create it, and says what it has seen.
 *
 * @throws {StreamError} `precondition_failed`; what {@link Store.stat} throws.
 */
export async function checkPath(store: Store, path: string, terms: PathTerms): Promise<StoreStat | undefined> {
  const { offset, check } = terms;
  if (offset === undefined && !check) return undefined;
  const found = await store.stat(path);
  check?.(found, path);
  if (offset !== undefined) checkSize(path, offset, found?.size ?? 0);
  return found;
}

/** What a path was like before, and the claim of it. */
export interface ClaimedPath {
  readonly path: string;
  readonly before: StoreStat | undefined;
  readonly handle: AppendHandle;
}

/**
 * Looks again once the path is claimed: until then others could write it.
 *
 * @throws {StreamError} as {@link checkPath}.
 */
export async function checkClaimed(store: Store, claimed: ClaimedPath, { offset, check }: PathTerms): Promise<void> {
  const { path, before, handle } = claimed;
  if (offset !== undefined) checkSize(path, offset, handle.offset);
  if (!check) return;
  const created = handle.created ?? (before === undefined && handle.offset === 0);
  check(created ? undefined : await store.stat(path), path);
}

/** @throws {StreamError} `precondition_failed` when a path has another size than an appender asked for. */
function checkSize(path: string, offset: number, size: number): void {
  if (offset === size) return;
  throw new StreamError("precondition_failed", `"/${path}" has ${size} bytes, not ${offset}. Nothing was appended.`, {
    path,
    headers: { [NEXT_OFFSET_HEADER]: formatOffset(size) },
  });
}
