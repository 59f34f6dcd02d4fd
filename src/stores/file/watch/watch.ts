/**
 * Watches a file that another process appends to.
 * @module
 */
import type { AppendUpdate } from "../../../engine/storage/store.ts";
import { watchByFiles } from "./by-files.ts";
import { watchInGroup } from "./in-group.ts";
import { Inbox } from "./inbox.ts";
import { Reports } from "./reports.ts";
import type { Watched } from "./watched.ts";

/**
 * Yields the size of a file whenever it has changed, until the append of the other process has ended. The first size
 * comes at once. Yields nothing if no process appends. If the other process is on this machine, its reports come with the
 * bytes.
 *
 * @throws Errors of the operating system.
 */
export async function* watchFile(watched: Watched): AsyncGenerator<AppendUpdate, void, void> {
  const inbox = new Inbox(watched.listen, watched.signal);
  const reports = new Reports(watched);
  try {
    await reports.confirm();
    for (let rest = ""; rest !== "over"; ) {
      rest = yield* watchInGroup(watched, inbox, reports);
      if (rest === "by files") rest = yield* watchByFiles(watched, inbox, reports, reports.size !== undefined);
    }
  } finally {
    inbox.close();
  }
}
