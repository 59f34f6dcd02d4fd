/**
 * The control paths of subscriptions: the part behind the reserved segment.
 * @module
 */
import { CONTROL_SEGMENT } from "../../../engine/subscriptions/watched-paths.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { checkedPath, resourceSegment, shortened } from "../../../protocol/path.ts";

/** The meaning of a control path. */
export type ControlPath =
  | { readonly what: "keys" }
  | { readonly what: "subscription" | "streams" | "callback" | "claim" | "ack" | "release"; readonly id: string }
  | { readonly what: "stream"; readonly id: string; readonly path: string };

const ACTIONS = ["streams", "callback", "claim", "ack", "release"] as const;

/**
 * Parses the segments behind the reserved one, as the router has seen them: only slashes, percent signs and the like are
 * still encoded.
 *
 * @returns Undefined for an unknown path.
 * @throws {StreamError} `bad_path` for a name or a path that can't exist.
 * @example
 * ```ts
 * parseControlPath(["subscriptions", "a", "claim"]); // { what: "claim", id: "a" }
 * ```
 */
export function parseControlPath(segments: readonly string[]): ControlPath | undefined {
  const [first, name, action, ...rest] = segments;
  if (first === "jwks.json" && name === undefined) return { what: "keys" };
  if (first !== "subscriptions" || name === undefined || name === "") return undefined;
  const id = resourceSegment(name, `/${segments.join("/")}`);
  if (action === undefined) return { what: "subscription", id };
  if (action === "streams" && rest.length > 0)
    return { what: "stream", id, path: relativePath(decoded(rest.join("/"))) };
  const known = ACTIONS.find((each) => each === action);
  return known && rest.length === 0 ? { what: known, id } : undefined;
}

/**
 * A path relative to the root of a subscription, without slashes at its ends.
 *
 * @throws {StreamError} `bad_path`
 */
export function relativePath(text: string): string {
  return checkedPath(withoutOuterSlashes(text).split("/"), text);
}

/**
 * A text without the slashes at its ends. A regular expression would read long runs of them again and again.
 *
 * @example
 * ```ts
 * withoutOuterSlashes("//a/b/"); // "a/b"
 * ```
 */
export function withoutOuterSlashes(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && text[from] === "/") from++;
  while (to > from && text[to - 1] === "/") to--;
  return text.slice(from, to);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StreamError(
      "bad_path",
      `The path ${JSON.stringify(shortened(text))} is refused: it has an invalid escape.`,
    );
  }
}

/** Whether a resource path is that of a subscription where a server has some. */
export function isSubscriptionPath(path: string): boolean {
  return `/${path}`.includes(`/${CONTROL_SEGMENT}/subscriptions/`);
}
