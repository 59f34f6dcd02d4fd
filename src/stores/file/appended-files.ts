/**
 * Which of many files are being appended to.
 * @module
 */
import { Claim } from "./claims/claim.ts";
import { foreignSlots } from "./claims/lease-files.ts";
import type { OwnerRecord } from "./claims/owner.ts";
import { namesIn } from "./folders/folder.ts";
import { fileKey, keyOf, type Reserved } from "./reserved/layout.ts";

/** Determines whether a file is being appended to. */
type IsAppended = (path: string, file: string) => Promise<boolean> | boolean;

/** Finds which of many files are being appended to, with one check of the disk for all, and one for each candidate. */
export async function appendedFiles(
  reserved: Reserved,
  self: OwnerRecord,
  isAppended: IsAppended,
): Promise<IsAppended> {
  const leased = foreignSlots(reserved, self).map(({ key }) => key);
  const [claimed, open] = await Promise.all([namesIn(reserved.claims), namesIn(reserved.sessions)]);
  const keys = { claimed: new Set([...leased, ...claimed]), open: new Set(open) };
  return (path, file) => {
    const maybe =
      Claim.isClaimed(file) ||
      (keys.claimed.size > 0 && keys.claimed.has(fileKey(reserved, file))) ||
      (keys.open.size > 0 && keys.open.has(`${keyOf(path)}.json`));
    return maybe && isAppended(path, file);
  };
}
