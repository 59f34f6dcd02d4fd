/**
 * Paths as the program that runs the server gives them.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkedPath } from "../../protocol/path.ts";

/**
 * The resource path for a path with or without a leading slash.
 *
 * @throws {StreamError} `bad_path` for a path that no URL can name.
 */
export function resourceOf(path: string): string {
  if (typeof path !== "string") {
    throw new StreamError("bad_path", `A path must be a string, not ${path === null ? "null" : typeof path}.`);
  }
  return checkedPath(path.replace(/^\//, "").split("/"));
}
