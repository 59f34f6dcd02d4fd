/**
 * Removes a path on which the writer of another process may have an idle claim.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { PathPreconditions } from "../append/preconditions.ts";
import { NoticeWait } from "../follow/notice-wait.ts";
import type { Appends } from "../sessions/appends.ts";
import { removePath } from "../sessions/removal.ts";

/** Milliseconds within which another process releases a path that it was asked for. */
const HANDOVER_MS = 2_000;

/** Milliseconds before each attempt at removing it, unless the other process reports that the path is free. */
const ATTEMPT_INTERVAL_MS = 100;

/**
 * Removes a path. If it is a stream that another process has claimed, asks that process for it first. Resolves to whether
 * there was one.
 *
 * @throws {StreamError} what {@link removePath} throws.
 */
export async function removeClaimed(
  appends: Appends,
  path: string,
  preconditions: PathPreconditions,
  requestId: string | undefined,
): Promise<boolean> {
  const { registry } = appends;
  const { store } = registry;
  let withdraw: (() => Promise<void>) | undefined;
  let notices: NoticeWait | undefined;
  try {
    for (;;) {
      try {
        return await removePath(appends, path, preconditions, requestId);
      } catch (error) {
        const isInUse = error instanceof StreamError && error.code === "in_use";
        if (!isInUse || notices?.isLate || !store.requestHandover || registry.isTaken(path)) throw error;
        // A session would hand itself over.
        if (!(await store.streams?.find(path)) || (await store.sessions.find(path))) throw error;
        notices ??= new NoticeWait(store, path, HANDOVER_MS);
        withdraw ??= await store.requestHandover(path);
        await notices.within(ATTEMPT_INTERVAL_MS);
      }
    }
  } finally {
    notices?.stop();
    await withdraw?.();
  }
}
