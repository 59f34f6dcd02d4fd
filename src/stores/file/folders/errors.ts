/**
 * Maps errors of the operating system to the errors of the Store contract.
 * @module
 */
import { folderInPlace } from "../../../engine/storage/conflicts.ts";
import { type ErrorCode, StreamError } from "../../../protocol/errors.ts";

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ["no_space", "the disk is full"],
  EDQUOT: ["no_space", "the disk quota is used up"],
  EFBIG: ["no_space", "the file has reached the maximum size that the system allows"],
  EACCES: ["denied", "the server has no permission"],
  EPERM: ["denied", "the server has no permission"],
  EROFS: ["denied", "the file system is read-only"],
  ENOTDIR: ["path_conflict", "a file is in the place of a folder"],
  EEXIST: ["path_conflict", "a file is in the place of a folder"],
  EISDIR: ["path_conflict", "it is a folder"],
  ENXIO: ["path_conflict", "it is not a regular file"],
  ENAMETOOLONG: ["bad_path", "the name is too long for the file system"],
  EILSEQ: ["bad_path", "the file system does not accept this name"],
  EINVAL: ["bad_path", "the file system does not accept this name"],
  ELOOP: ["bad_path", "it leads through too many symbolic links"],
  EMFILE: ["overloaded", "the server has too many files open"],
  ENFILE: ["overloaded", "the system has too many files open"],
};

/** Whether an error means that a file or folder does not exist. */
export function isMissing(error: unknown): boolean {
  return errorCode(error) === "ENOENT";
}

/** For a promise's `catch`: ignores a missing file. */
export function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/**
 * Converts an error of the operating system to a {@link StreamError}. A `StreamError` is returned unchanged; an error
 * with an unknown code becomes `storage`.
 *
 * @param path The resource path, for the message.
 */
export function diskError(error: unknown, path: string): StreamError {
  if (error instanceof StreamError) return error;
  if (isMissing(error)) return new StreamError("not_found", `"/${path}" does not exist.`, { path, cause: error });
  const [code, why] = CODES[errorCode(error)] ?? ["storage", otherwise(error)];
  return new StreamError(code, `"/${path}" could not be stored or read: ${why}.`, { path, cause: error });
}

/** As {@link diskError}, for a claim: a folder can't be appended to. */
export function claimError(error: unknown, path: string): StreamError {
  return errorCode(error) === "EISDIR" ? folderInPlace(path) : diskError(error, path);
}

/** Contains the error code only: the system's message would reveal the location of the root. */
function otherwise(error: unknown): string {
  return errorCode(error) ? `the system says ${errorCode(error)}` : StreamError.from(error).message;
}

/** The operating system's code of an error, such as `ENOENT`; empty if it has no code. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Whether an error means that there is nothing readable at a path. */
export function isAbsence(error: unknown): boolean {
  return isMissing(error) || ["path_conflict", "bad_path"].includes(diskError(error, "").code);
}
