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
  const path = new GroupPath(watched, reports);
  if (!path.hasLease) return "by files";
  if ((await path.owner()) === undefined) return (await path.isFree()) ? "over" : "by files";
  let silent = 0;
  while (!watched.signal.aborted && silent <= MAX_SILENT_TICKS) {
    if (!path.hasLease) return "by files";
    const owner = await path.owner();
    const end =
      (owner === undefined ? await path.endWithoutOwner() : undefined) ?? (yield* reported(path, inbox, owner));
    if (end) {
      yield end;
      return "over";
    }
    silent = owner === undefined || reports.has(owner) ? 0 : silent + 1;
  }
  return watched.signal.aborted ? "over" : "by files";
}

/** The path, as the links of the group and the reports of its processes show it. */
class GroupPath {
  readonly watched: Watched;
  readonly reports: Reports;
  readonly #key: string;
  /** What an append is that nothing is known of. */
  #otherwise: EndReason = "lost";
  /** Number of looks for which the path has had no owner. */
  #looksWithoutOwner = 0;

  constructor(watched: Watched, reports: Reports) {
    this.watched = watched;
    this.reports = reports;
    this.#key = basename(claimsFolder(watched.reserved, watched.file));
  }

  /** Whether the group has the lease. */
  get hasLease(): boolean {
    return groupView(this.watched.reserved, this.watched.owner.record) !== undefined;
  }

  /** The id of the owner; undefined if there is none that lives. */
  async owner(): Promise<string | undefined> {
    const { reserved, owner } = this.watched;
    const found = groupView(reserved, owner.record)?.ownerOf(this.#key);
    const id = found && (await judgeOwner(found, owner)) !== "dead" ? found.id : undefined;
    if (id !== undefined) this.#looksWithoutOwner = 0;
    return id;
  }

  /** Whether no other process has the path in any other way. */
  async isFree(): Promise<boolean> {
    const { reserved, owner, file } = this.watched;
    return (await claimantsOf(reserved, owner, file)).length === 0;
  }

  /** How an append without an owner has ended; undefined while its session may continue it. */
  async endWithoutOwner(): Promise<Growth | undefined> {
    const isOpen = await this.watched.resumable();
    // Another process may have continued the session, and ended it, since the owner was looked up.
    if ((await this.owner()) !== undefined || !this.hasLease) return undefined;
    if (isOpen && ++this.#looksWithoutOwner <= MAX_LOOKS_WITHOUT_OWNER) return undefined;
    const size = await sizeOf(this.watched);
    if (size === undefined) return { size: this.reports.size ?? 0, ended: "deleted" };
    return { size, ended: isOpen ? "restarting" : await recordedEnd(this.watched, this.#otherwise) };
  }

  /** How the append has ended, by a report that it has; undefined if it may continue. */
  endIn({ size, reason }: News): Growth | undefined {
    if (reason === "restarting") this.#otherwise = reason;
    if (reason === undefined || reason === "restarting") return undefined;
    return { size: Math.max(size, this.reports.size ?? 0), ended: reason as EndReason };
  }
}

/**
 * What the owner of the path reports, until it is time for the next look. Returns how the append has ended, if the owner
 * reports that.
 */
async function* reported(
  path: GroupPath,
  inbox: Inbox,
  owner: string | undefined,
): AsyncGenerator<Growth, Growth | undefined, void> {
  const { reports, watched } = path;
  for (let left = CHECK_EVERY; left > 0 && !watched.signal.aborted; ) {
    // Without an owner that reports, the next look is due at the next tick.
    if (await inbox.wait()) left = owner !== undefined && reports.has(owner) ? left - 1 : 0;
    for (let news = inbox.take(); news; news = inbox.take()) {
      const taken = reports.take(news, owner);
      if (taken === "change") {
        if (news.type === "ended") return path.endIn(news);
        left = 0;
      } else if (taken) {
        yield taken;
        await reports.confirm();
      }
    }
  }
  return undefined;
}
