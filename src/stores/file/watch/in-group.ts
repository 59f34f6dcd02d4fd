/**
 * Watches what another process of the group appends while the group has the lease. To save time, that process leaves no
 * entries and end markers for others, but reports its append. If it does not report, the watcher polls the size. When
 * the lease is broken, or a process outside the group has the path, the watcher relies on the files.
 * @module
 */
import { basename } from "node:path";
import type { AppendUpdate } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { claimantsOf, claimsFolder, judgeOwner } from "../claims/entries.ts";
import { type GroupView, groupView } from "../claims/group-lease.ts";
import type { Owner } from "../claims/owner.ts";
import type { PeerReport } from "../peers/links.ts";
import type { Inbox } from "./inbox.ts";
import type { Reports } from "./reports.ts";
import { MAX_LOOKS_WITHOUT_OWNER } from "./succession.ts";
import { recordedEnd, type Watched, watchedSize } from "./watched.ts";

/** Number of ticks per check of the claim, while its owner reports. */
const CHECK_EVERY = 10;

/** Number of ticks for which the owner of a path may be silent. After that, each tick includes a look at the size. */
const MAX_SILENT_TICKS = 10;

/** Milliseconds for which a look at the lease serves all watches: there may be very many. */
const VIEW_MS = 50;

/** What follows: nothing, or a watch by files. */
export type Rest = "over" | "by files";

/** What a look at the claim of a path has found. */
type Look = { readonly owner: string | undefined } | "by files";

/** Whether a path can be watched without its files: the group has the lease, and no process outside the group has the path. */
export async function isInGroup(watched: Watched): Promise<boolean> {
  return (await new GroupPath(watched).look(true)) !== "by files";
}

/** Yields what the owner of the path reports, as {@link watchByFiles} does. */
export async function* watchInGroup(
  watched: Watched,
  inbox: Inbox,
  reports: Reports,
): AsyncGenerator<AppendUpdate, Rest, void> {
  const path = new GroupPath(watched);
  const isContinued = reports.size !== undefined;
  let silent = 0;
  for (let looks = 0; !watched.signal.aborted; looks++) {
    const found = await path.look();
    if (found === "by files") return found;
    const { owner } = found;
    if (owner === undefined && looks === 0 && !isContinued) return "over";
    silent = owner === undefined || reports.has(owner) ? 0 : silent + 1;
    if (silent > MAX_SILENT_TICKS) yield* grown(watched, reports);
    const late = owner === undefined ? undefined : reports.ofOwner(owner);
    if (late) yield late;
    const end =
      (owner === undefined ? await path.endWithoutOwner(reports) : undefined) ??
      (yield* reported(path, inbox, reports, owner));
    if (end) {
      yield end;
      return "over";
    }
  }
  return "over";
}

/** The path, as the links of the group, its entries, and the reports of the processes show it. */
class GroupPath {
  readonly watched: Watched;
  readonly #key: string;
  /** The last owner that was found. */
  #owner: string | undefined;
  /** The end of an append of which nothing is known. */
  #otherwise: EndReason = "lost";
  /** Number of looks for which the path has had no owner. */
  #looksWithoutOwner = 0;

  constructor(watched: Watched) {
    this.watched = watched;
    this.#key = basename(claimsFolder(watched.reserved, watched.file));
  }

  /**
   * Finds the living process of the group that has the path, if there is one.
   *
   * @param isNew Whether the lease must be looked at now. Default: a recent look will do.
   */
  async look(isNew = false): Promise<Look> {
    const { reserved, owner, file } = this.watched;
    const view = viewOf(this.watched, isNew);
    if (!view) return "by files";
    const linked = view.ownerOf(this.#key);
    if (linked && (await judgeOwner(linked, owner)) !== "dead") return this.#found(linked.id);
    // A claim from before the group took the lease has no link.
    const claimants = await claimantsOf(reserved, owner, file, view);
    const { id: self, group: ours } = owner.record;
    const members = claimants.flatMap(({ owner: { id, group } }) => (group === ours && id !== self ? [id] : []));
    if (claimants.length > 0 && members.length === 0) return "by files";
    // The link may belong to a process that is about to find out that the path is taken.
    return this.#found(members.find((id) => id === this.#owner) ?? members[0]);
  }

  #found(owner: string | undefined): Look {
    if (owner !== undefined) this.#looksWithoutOwner = 0;
    this.#owner = owner ?? this.#owner;
    return { owner };
  }

  /** How an append without an owner has ended; undefined while its session may continue it. */
  async endWithoutOwner(reports: Reports): Promise<AppendUpdate | undefined> {
    const isOpen = await this.watched.resumable();
    // Another process may have continued the session, and ended it, since the owner was looked up.
    const now = await this.look(true);
    if (now === "by files" || now.owner !== undefined) return undefined;
    if (isOpen && ++this.#looksWithoutOwner <= MAX_LOOKS_WITHOUT_OWNER) return undefined;
    const size = await watchedSize(this.watched);
    if (size === undefined) return { size: reports.size ?? 0, ended: "deleted" };
    return { size, ended: isOpen ? "restarting" : await recordedEnd(this.watched, this.#otherwise) };
  }

  /** How the append has ended, by a report that it has; undefined if it may continue. */
  endIn({ size, reason }: PeerReport, reports: Reports): AppendUpdate | undefined {
    if (reason === "restarting") this.#otherwise = reason;
    if (reason === undefined || reason === "restarting") return undefined;
    return { size: Math.max(size, reports.size ?? 0), ended: reason as EndReason };
  }
}

/** The last looks at the leases of groups. If one was broken since, its links stay until their owners have entries. */
const views = new WeakMap<Owner, { readonly atMs: number; readonly view: GroupView | undefined }>();

function viewOf({ reserved, owner }: Watched, isNew: boolean): GroupView | undefined {
  const atMs = performance.now();
  const known = views.get(owner);
  if (known && !isNew && atMs - known.atMs < VIEW_MS) return known.view;
  const view = groupView(reserved, owner.record);
  views.set(owner, { atMs, view });
  return view;
}

/** Yields what the file shows, while the owner of the path does not report. */
async function* grown(watched: Watched, reports: Reports): AsyncGenerator<AppendUpdate, void, void> {
  const size = await watchedSize(watched);
  if (size === undefined || (reports.size !== undefined && size <= reports.size)) return;
  reports.size = size;
  yield { size };
}

/**
 * Yields what the owner of the path reports, until the next look is due. Returns how the append has ended, if the owner
 * reports that.
 */
async function* reported(
  path: GroupPath,
  inbox: Inbox,
  reports: Reports,
  owner: string | undefined,
): AsyncGenerator<AppendUpdate, AppendUpdate | undefined, void> {
  for (let left = CHECK_EVERY; left > 0 && !path.watched.signal.aborted; ) {
    // Without an owner that reports, the next look is due at the next tick.
    if (await inbox.wait()) left = owner !== undefined && reports.has(owner) ? left - 1 : 0;
    for (let report = inbox.take(); report; report = inbox.take()) {
      const taken = reports.take(report, owner);
      if (taken === "change") {
        if (report.type === "ended") return path.endIn(report, reports);
        left = 0;
      } else if (taken) {
        yield taken;
        await reports.confirm();
      }
    }
  }
  return undefined;
}
