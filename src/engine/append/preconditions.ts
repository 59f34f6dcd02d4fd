/**
 * The preconditions that a path must meet for an append to begin.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { lookAgain } from "../storage/look-again.ts";
import type { AppendHandle, Store, StoreStat } from "../storage/store.ts";

/** Preconditions for an append. A path that does not meet them is left as it is. */
export interface PathPreconditions {
  /** The required size in bytes. 0 also matches a path that does not exist. */
  readonly offset?: number | undefined;
  /** The required generation; a path that does not exist has no generation. */
  readonly generation?: string | undefined;
  /** Whether the path must exist. Default false; a generation or an offset above 0 requires it in any case. */
  readonly exists?: boolean;
  /**
   * Checks the path; `found` is undefined if it does not exist.
   *
   * @throws {StreamError} `precondition_failed`
   */
  check?(found: StoreStat | undefined, path: string): void;
}

/**
 * Whether only a path that exists can meet the preconditions.
 *
 * @example
 * ```ts
 * mustExist({ offset: 6 }); // true
 * ```
 */
export function mustExist({ offset = 0, exists = false, generation }: PathPreconditions): boolean {
  return exists || offset > 0 || generation !== undefined;
}

/**
 * Checks a path before the claim, which may create it, and returns what it found; undefined if the path does not exist
 * or there is nothing to check.
 *
 * @throws {StreamError} `replaced`, `precondition_failed`; what {@link Store.stat} throws.
 */
export async function checkBeforeClaim(
  store: Store,
  path: string,
  terms: PathPreconditions,
): Promise<StoreStat | undefined> {
  const { offset, generation, check } = terms;
  if (offset === undefined && generation === undefined && !check) return undefined;
  return lookAgain(store, async () => {
    const found = await store.stat(path);
    // The claim reports the conflict. If the path is free by then, it is checked after the claim.
    if (found?.appending) checkGeneration(path, generation, found.generation);
    else checkFound(found, path, terms);
    return found;
  });
}

/**
 * Checks what was found at a path.
 *
 * @param found Undefined if the path does not exist.
 * @throws {StreamError} `replaced`, `precondition_failed`.
 */
export function checkFound(
  found: StoreStat | undefined,
  path: string,
  { offset, generation, check }: PathPreconditions,
): void {
  checkGeneration(path, generation, found?.generation);
  check?.(found, path);
  if (offset !== undefined) checkSize(path, offset, found?.size ?? 0);
}

/**
 * Looks at a path and checks what is there.
 *
 * @returns Undefined if the path does not exist.
 * @throws {StreamError} as {@link checkFound}; what {@link Store.stat} throws.
 */
export function checkedLook(store: Store, path: string, terms: PathPreconditions): Promise<StoreStat | undefined> {
  return lookAgain(store, async () => {
    const found = await store.stat(path);
    checkFound(found, path, terms);
    return found;
  });
}

/**
 * Checks only that a path has the generation that the preconditions name, if any.
 *
 * @throws {StreamError} `replaced`; what {@link Store.stat} throws.
 */
export async function checkRequiredGeneration(
  store: Store,
  path: string,
  { generation }: PathPreconditions,
): Promise<void> {
  if (generation === undefined) return;
  await lookAgain(store, async () => checkGeneration(path, generation, (await store.stat(path))?.generation));
}

/** A claimed path, with what was found before the claim. */
export interface ClaimedPath {
  readonly path: string;
  readonly before: StoreStat | undefined;
  readonly handle: AppendHandle;
}

/**
 * Checks the preconditions again after the claim: before it, other appenders could write to the path.
 *
 * @throws {StreamError} as {@link checkBeforeClaim}.
 */
export async function checkAfterClaim(store: Store, claimed: ClaimedPath, terms: PathPreconditions): Promise<void> {
  const { path, before, handle } = claimed;
  const { offset, generation, check } = terms;
  checkGeneration(path, generation, handle.generation);
  if (offset !== undefined) checkSize(path, offset, handle.offset);
  if (!check) return;
  const created = handle.created ?? (before === undefined && handle.offset === 0);
  check(created ? undefined : await store.stat(path), path);
}

/** @throws {StreamError} `precondition_failed` if the size differs from the required one. */
function checkSize(path: string, offset: number, size: number): void {
  if (offset === size) return;
  throw new StreamError("precondition_failed", `"/${path}" has ${size} bytes, not ${offset}. Nothing was changed.`, {
    path,
    headers: { [NEXT_OFFSET_HEADER]: formatOffset(size) },
  });
}
