/**
 * The options of a listing.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { ListOptions } from "./store.ts";

/**
 * Checks options that a program has given. With a wrong option, a listing would silently have no rows.
 *
 * @throws {StreamError} `bad_request` for a `limit` that is not a number of rows, or an `after` that is not a name.
 * @example
 * ```ts
 * checkListOptions("build", { limit: -1 }); // throws
 * ```
 */
export function checkListOptions(folder: string, options: ListOptions): void {
  const { after, limit = Number.POSITIVE_INFINITY } = options;
  if (after !== undefined && typeof after !== "string") throw refused(folder, '"after" must be a name', after);
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 0)) return;
  throw refused(folder, '"limit" must be a whole number of rows', limit);
}

function refused(folder: string, rule: string, value: unknown): StreamError {
  return new StreamError("bad_request", `${rule}, not ${shown(value)}. "/${folder}" was not listed.`, {
    path: folder,
  });
}

function shown(value: unknown): string {
  return typeof value === "number" || value === null ? String(value) : typeof value;
}
