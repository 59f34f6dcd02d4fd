/**
 * Watches a file that another process appends to, by polling it. Reports of the other process arrive between two looks.
 * @module
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { AppendUpdate } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { claimantsOf, claimsFolder, endMarkers, judge, leasedEntries, removeUnread, WATCH } from "../claims/entries.ts";
import { groupLease } from "../claims/group-lease.ts";
import { breakForeignLease, slotsOf } from "../claims/lease-files.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import { isInGroup } from "./in-group.ts";
import type { Inbox } from "./inbox.ts";
import type { Reports } from "./reports.ts";
import { Succession } from "./succession.ts";
import { recordedEnd, type Watched, watchedSize } from "./watched.ts";

/** Milliseconds between two checks of a lease that its owner is about to release. */
const SOON_MS = 20;

/**
 * Yields the size of a file whenever it has changed, until the append of the other process has ended. The first size
 * comes at once. Yields nothing if no process appends.
 *
 * @param isContinued Whether the watch has already passed on a part of the append.
 * @returns `in group` if the files are not needed any more.
 * @throws Errors of the operating system.
 */
export async function* watchByFiles(
  watched: Watched,
  inbox: Inbox,
  reports: Reports,
  isContinued: boolean,
): AsyncGenerator<AppendUpdate, "over" | "in group", void> {
  const { reserved, owner, file, signal } = watched;
  const folder = claimsFolder(reserved, file);
  const watcher = join(folder, `${WATCH}${randomUUID()}`);
  // An owner leaves an end marker only where a watcher asks for it.
  await writeJsonAtomic(reserved, watcher, owner.record, false);
  try {
    // The group may have taken the lease meanwhile. A process that joins it later finds the watcher, and claims by
    // path.
    if (await isInGroup(watched)) return "in group";
    await untilByPath(watched);
    const markers = endMarkers(await namesIn(folder));
    const [first] = await claimantsOf(reserved, owner, file);
    const owners = (first || isContinued) && new Succession(first, markers, watched);
    while (owners && !signal.aborted) {
      const ended = await owners.look();
      const { ownerId } = owners;
      const isReported = ownerId !== undefined && reports.has(ownerId);
      // The size is read after the claim: it includes everything that was stored before the end.
      const now = ended || !isReported ? await watchedSize(watched) : reports.size;
      if (ended) {
        yield { size: now ?? reports.size ?? 0, ended: await endOf(watched, { ended, now, isContinued }) };
        return "over";
      }
      const late = isReported ? reports.ofOwner(ownerId) : undefined;
      if (late) yield late;
      else if (now !== undefined && now !== reports.size) {
        reports.size = now;
        yield { size: now };
      }
      yield* reported(watched, inbox, reports, owners);
    }
    return "over";
  } finally {
    await removeFile(watcher);
    await removeUnread(folder);
  }
}

async function endOf(
  watched: Watched,
  { ended, now, isContinued }: { ended: EndReason; now: number | undefined; isContinued: boolean },
): Promise<EndReason> {
  if (now === undefined) return "deleted";
  // While this process followed the reports, it asked for no end marker. An owner that has the path by the lease leaves
  // none.
  const isUnmarked = isContinued || groupLease(watched.reserved) !== undefined;
  const isDoubtful = isUnmarked && (ended === "lost" || ended === "restarting");
  return isDoubtful ? recordedEnd(watched, ended) : ended;
}

/** Yields what the owner of the path reports, until the next look is due. */
async function* reported(
  { signal }: Watched,
  inbox: Inbox,
  reports: Reports,
  owners: Succession,
): AsyncGenerator<AppendUpdate, void, void> {
  await reports.confirm();
  for (let isDue = signal.aborted; !isDue; ) {
    isDue = (await inbox.wait()) || signal.aborted;
    for (let report = inbox.take(); report; report = inbox.take()) {
      const taken = reports.take(report, owners.ownerId);
      if (taken === "change") {
        owners.hurry();
        isDue = true;
      } else if (taken) {
        yield taken;
        await reports.confirm();
      }
    }
  }
}

/**
 * Waits until no living process has the file by the lease of the whole root, because such an owner would leave no end
 * marker. This does not break the lease of the own group, whose processes report how an append has ended, and record
 * it.
 *
 * @throws Errors of the operating system.
 */
async function untilByPath({ reserved, owner, file, signal }: Watched): Promise<void> {
  if (!groupLease(reserved)) breakForeignLease(reserved);
  for (; !signal.aborted; await pause(SOON_MS, signal)) {
    const leased = leasedEntries(slotsOf(reserved, file, owner.record, groupLease(reserved)?.term));
    const verdicts = await Promise.all(leased.map((entry) => judge(entry, owner)));
    if (!verdicts.includes("alive")) return;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
