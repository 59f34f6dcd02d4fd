/**
 * Copies all paths of a store, or some, several at a time.
 * @module
 */
import { type CopyParts, copyPath, copyTombstones, isGeneral } from "./copy-path.ts";
import type { Report } from "./report.ts";
import { pathsBelow } from "./walk.ts";

/** What to copy, and how. */
export interface CopyAll extends Omit<CopyParts, "signal" | "onBytes"> {
  /** Paths of resources and folders. Empty for everything. */
  readonly roots: readonly string[];
  /** How many paths are copied at a time. */
  readonly jobs: number;
  readonly report: Report;
  /** Ends the copy. */
  readonly signal: AbortSignal;
}

/** Copies paths. Failures go to the report; an error that would occur for every other path ends the copy. */
export async function copyAll(options: CopyAll): Promise<void> {
  const { from, roots, jobs, report, signal } = options;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const parts: CopyParts = { ...options, signal: stopping, onBytes: (bytes) => report.stored(bytes) };
  const failed = (path: string | undefined, error: unknown): void => {
    // An interrupted path has not failed.
    if (!stopping.aborted) report.failed(path, error);
    if (isGeneral(error)) stop.abort(error);
  };
  const paths = allPaths();
  await Promise.all(Array.from({ length: jobs }, lane));
  if (roots.length > 0 || stopping.aborted) return;
  await copyTombstones(parts).catch((error: unknown) => failed(undefined, error));
  const subscriptions = (await from.subscriptions?.list().catch(() => []))?.length ?? 0;
  if (subscriptions === 0) return;
  const what = subscriptions === 1 ? "One subscription is" : `${subscriptions} subscriptions are`;
  report.note(`${what} not copied: their clients have to create them again.`);

  async function* allPaths(): AsyncGenerator<string, void, void> {
    for (const root of roots.length > 0 ? roots : [""]) {
      try {
        yield* pathsBelow(from, root, stopping);
      } catch (error) {
        failed(root, error);
      }
    }
  }

  async function lane(): Promise<void> {
    for (let next = await paths.next(); !next.done && !stopping.aborted; next = await paths.next()) {
      const path = next.value;
      try {
        report.done(path, await copyPath(parts, path));
      } catch (error) {
        failed(path, error);
      }
    }
  }
}
