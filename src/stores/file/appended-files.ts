/**
 * Which of many files are being appended to.
 * @module
 */
import { namesIn } from "./folders/folder.ts";
import { fileKey, keyOf, type Reserved } from "./reserved/layout.ts";

/** Tells whether a file is being appended to. */
type IsAppended = (path: string, file: string) => Promise<boolean> | boolean;

/** Tells which of many files are being appended to: one look at the disk for all, and one for each candidate. */
export async function appendedFiles(reserved: Reserved, isAppended: IsAppended): Promise<IsAppended> {
  const { claims, sessions } = reserved;
  const [claimed, open] = await Promise.all([namesIn(claims), namesIn(sessions)]);
  const keys = { claimed: new Set(claimed), open: new Set(open) };
  return (path, file) => {
    const maybe =
      (keys.claimed.size > 0 && keys.claimed.has(fileKey(reserved, file))) ||
      (keys.open.size > 0 && keys.open.has(`${keyOf(path)}.json`));
    return maybe && isAppended(path, file);
  };
}
