/**
 * Which paths a subscription watches.
 * @module
 */
import { Glob, segmentsOf } from "../../support/glob.ts";
import type { Store } from "../storage/store.ts";
import type { SubscriptionConfig, SubscriptionName } from "../storage/subscription-record.ts";

/** The segment that the control paths of subscriptions begin with. No subscription watches a path with it. */
export const CONTROL_SEGMENT = "__ds";

/** Maximum number of parsed patterns in the cache. */
const MAX_GLOBS = 1_000;

const globs = new Map<string, Glob>();

/** The parts of a subscription that determine what it watches. */
export type Watcher = Pick<SubscriptionName, "root"> & { readonly config: SubscriptionConfig };

/**
 * The path relative to the root of a subscription; undefined for a path that is not below it, or that no subscription
 * watches.
 *
 * @example
 * ```ts
 * relativeTo("v1/stream", "v1/stream/events/a"); // "events/a"
 * ```
 */
export function relativeTo(root: string, path: string): string | undefined {
  if (root !== "" && !path.startsWith(`${root}/`)) return undefined;
  const relative = root === "" ? path : path.slice(root.length + 1);
  return segmentsOf(relative).includes(CONTROL_SEGMENT) ? undefined : relative;
}

/**
 * The resource path of a path relative to a root.
 *
 * @example
 * ```ts
 * below("v1/stream", "events/a"); // "v1/stream/events/a"
 * ```
 */
export function below(root: string, path: string): string {
  return root === "" ? path : `${root}/${path}`;
}

/** Whether the pattern of a subscription matches a relative path. Its own wake stream never matches. */
export function isMatched({ config }: Watcher, relative: string): boolean {
  const { pattern, wakeStream } = config;
  return pattern !== undefined && relative !== wakeStream && globOf(pattern).matches(segmentsOf(relative));
}

/**
 * The relative paths in the store that the pattern of a subscription matches, up to a number of them. Folders that it can't
 * reach are not listed.
 *
 * @param known Paths that are left out.
 * @throws {StreamError} what listing throws.
 */
export async function matchesIn(
  store: Store,
  watcher: Watcher,
  max: number,
  known: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const { root, config } = watcher;
  const found: string[] = [];
  if (config.pattern === undefined) return found;
  const glob = globOf(config.pattern);
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const { name, kind } of (await store.list(joined(root, folder))) ?? []) {
      const path = joined(folder, name);
      if (relativeTo(root, joined(root, path)) === undefined) continue;
      if (kind === "folder" && glob.reachesInto(segmentsOf(path))) folders.push(path);
      if (kind === "file" && isMatched(watcher, path) && !known.has(path)) found.push(path);
      if (found.length > max) return found;
    }
  }
  return found;
}

/** @throws {TypeError} for a pattern that is not one. */
export function globOf(pattern: string): Glob {
  const known = globs.get(pattern);
  if (known) return known;
  const glob = new Glob(`/${pattern}`);
  if (globs.size >= MAX_GLOBS) globs.clear();
  globs.set(pattern, glob);
  return glob;
}

function joined(folder: string, name: string): string {
  return [folder, name].filter((part) => part !== "").join("/");
}
