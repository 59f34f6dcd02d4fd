/**
 * Watches what another process of the group appends by the lease of the group. That process leaves no marks for others
 * which cost time; it reports instead. When the lease is broken, or the process does not report, files must do.
 * @module
 */
import { basename } from "node:path";
import type { Growth } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { claimantsOf, claimsFolder, judgeOwner } from "../claims/entries.ts";
import { groupView } from "../claims/group-lease.ts";
import type { News } from "../peers/links.ts";
import type { Inbox } from "./inbox.ts";
import type { Reports } from "./reports.ts";
import { MAX_LOOKS_WITHOUT_OWNER } from "./succession.ts";
import { recordedEnd, sizeOf, type Watched } from "./watched.ts";

/** Number of ticks per check of the claim, while its owner reports. */
const CHECK_EVERY = 10;

/** Maximum number of ticks until the owner of a path reports. */
const MAX_SILENT_TICKS = 10;

/** How it goes on: not at all, or by files. */
export type Rest = "over" | "by files";

/** Yields what the owner of the path reports, as {@link watchByFiles} does. */
export async function* watchInGroup(
  watched: Watched,
  inbox: Inbox,
  reports: Reports,
): AsyncGenerator<Growth, Rest, void> {
  const path = new GroupPath(watched);
  if (!path.hasLease) return "by files";
  if ((await path.owner()) === undefined) return (await path.isFree()) ? "over" : "by files";
  let lost: EndReason = "lost";
  let silent = 0;
  let orphaned = 0;
  while (!watched.signal.aborted) {
    if (!path.hasLease) return "by files";
    const owner = await path.owner();
    if (owner === undefined) {
      const isOpen = await watched.resumable();
      // Another process may have continued the session, and ended it, since the owner was looked up.
      if (!isOpen && (await path.owner()) === undefined) {
        yield { size: (await sizeOf(watched)) ?? reports.size ?? 0, ended: await endOf(watched, lost) };
        return "over";
      }
      if (++orphaned > MAX_LOOKS_WITHOUT_OWNER) {
        yield { size: (await sizeOf(watched)) ?? reports.size ?? 0, ended: "restarting" };
        return "over";
      }
    } else {
      orphaned = 0;
    }
    const isNew = reports.size === undefined;
    const last = yield* reported(owner, isNew ? 1 : CHECK_EVERY, { watched, inbox, reports });
    if (last?.reason !== undefined && last.reason !== "restarting") {
      yield { size: Math.max(last.size, reports.size ?? 0), ended: last.reason as EndReason };
      return "over";
    }
    if (last?.reason === "restarting") lost = "restarting";
    silent = owner === undefined || reports.has(owner) ? 0 : silent + 1;
    if (silent > MAX_SILENT_TICKS) return "by files";
  }
  return "over";
}

/** The path, as the links of the group show it. */
class GroupPath {
  readonly #watched: Watched;
  readonly #key: string;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#key = basename(claimsFolder(watched.reserved, watched.file));
  }

  /** Whether the group has the lease. */
  get hasLease(): boolean {
    return groupView(this.#watched.reserved, this.#watched.owner.record) !== undefined;
  }

  /** The id of the owner; undefined if there is none that lives. */
  async owner(): Promise<string | undefined> {
    const { reserved, owner } = this.#watched;
    const found = groupView(reserved, owner.record)?.ownerOf(this.#key);
    return found && (await judgeOwner(found, owner)) !== "dead" ? found.id : undefined;
  }

  /** Whether no other process has the path in any other way. */
  async isFree(): Promise<boolean> {
    const { reserved, owner, file } = this.#watched;
    return (await claimantsOf(reserved, owner, file)).length === 0;
  }
}

/**
 * What the owner of the path reports, for a number of ticks, or until something else changes. Returns the report that the
 * append has ended, if there is one.
 */
async function* reported(
  owner: string | undefined,
  ticks: number,
  { watched, inbox, reports }: { watched: Watched; inbox: Inbox; reports: Reports },
): AsyncGenerator<Growth, News | undefined, void> {
  for (let left = ticks; left > 0 && !watched.signal.aborted; ) {
    // Without an owner that reports, the next look is due at the next tick.
    const isReporting = owner !== undefined && reports.has(owner);
    if (await inbox.wait()) left = isReporting ? left - 1 : 0;
    for (let news = inbox.take(); news; news = inbox.take()) {
      const { from, type } = news;
      reports.note(news);
      const isOwner = from === owner;
      if (!isOwner && type !== "state") continue;
      if (!isOwner || type === "ended" || type === "gone") {
        if (isOwner && type === "ended") return news;
        left = 0;
        continue;
      }
      const isFirst = reports.size === undefined && type !== "none";
      if (isFirst) await reports.confirm();
      const growth = type === "none" ? undefined : reports.growthIn(news);
      if (growth) yield growth;
      if (isFirst) await reports.confirm();
    }
  }
  return undefined;
}

async function endOf(watched: Watched, lost: EndReason): Promise<EndReason> {
  return (await sizeOf(watched)) === undefined ? "deleted" : recordedEnd(watched, lost);
}
