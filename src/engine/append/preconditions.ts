/**
 * What a path must be like for an append to begin.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import type { AppendHandle, Store, StoreStat } from "../storage/store.ts";

/** Preconditions for an append. A path that does not meet them is left as it is. */
export interface PathPreconditions {
  /** The size that it must have, in bytes; 0 also for a path that does not exist. */
  readonly offset?: number | undefined;
  /** The content that it must have; a path that does not exist has none. */
  readonly generation?: string | undefined;
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
export function mustExist({ offset = 0, exists = false, generation }: PathPreconditions): boolean {
  return exists || offset > 0 || generation !== undefined;
}

/**
 * Looks at a path before it is claimed, which may create it, and says what it has seen.
 *
 * @throws {StreamError} `replaced`, `precondition_failed`; what {@link Store.stat} throws.
 */
export async function checkPath(store: Store, path: string, terms: PathPreconditions): Promise<StoreStat | undefined> {
  const { offset, generation, check } = terms;
  if (offset === undefined && generation === undefined && !check) return undefined;
  const found = await store.stat(path);
  checkGeneration(path, generation, found?.generation);
  // That it is taken is said first, by the claim; should it be free by then, the claim is looked at again.
  if (found?.appending) return found;
  check?.(found, path);
  if (offset !== undefined) checkSize(path, offset, found?.size ?? 0);
  return found;
}

/**
 * Looks only whether a path has the content that the terms name, if they name one.
 *
 * @throws {StreamError} `replaced`; what {@link Store.stat} throws.
 */
export async function checkContent(store: Store, path: string, { generation }: PathPreconditions): Promise<void> {
  if (generation !== undefined) checkGeneration(path, generation, (await store.stat(path))?.generation);
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
export async function checkClaimed(store: Store, claimed: ClaimedPath, terms: PathPreconditions): Promise<void> {
  const { path, before, handle } = claimed;
  const { offset, generation, check } = terms;
  checkGeneration(path, generation, handle.generation);
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
