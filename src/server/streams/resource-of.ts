/**
 * Paths as the program that runs the server gives them.
 * @module
 */
import { checkedPath } from "../../protocol/path.ts";

/**
 * The resource path for a path with or without a leading slash.
 *
 * @throws {StreamError} `bad_path` for a path that no URL can name.
 */
export function resourceOf(path: string): string {
  return checkedPath(path.replace(/^\//, "").split("/"));
}
