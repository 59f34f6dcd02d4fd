/**
 * Turns what other processes report into growth.
 * @module
 */
import type { AppendUpdate } from "../../../engine/storage/store.ts";
import type { PeerReport } from "../peers/links.ts";
import type { Watched } from "./watched.ts";

/** The reports about one path. */
export class Reports {
  /** The size that was passed on last. */
  size: number | undefined;
  readonly #watched: Watched;
  /** The processes that report an append, and the generations of its content. */
  readonly #generations = new Map<string, string>();
  /** The last report of each of them. A process may report before it becomes the owner. */
  readonly #last = new Map<string, Pick<PeerReport, "size" | "closed">>();
  /** Whether it was passed on that the path is closed with {@link size}. */
  #isClosed = false;
  /** The generation of the content that the watcher has found. */
  #confirmed: string | undefined;
  /** The result of the first look. */
  #before: string | undefined;
  #looks = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Whether a process reports an append. */
  has(id: string): boolean {
    return this.#generations.has(id);
  }

  /**
   * Finds out which content the watcher sees: the one that exists before its look, and still exists after it. So call
   * this before the first size is passed on, and each time the watcher asks for more. Reports of another content are
   * passed on without bytes.
   */
  async confirm(): Promise<void> {
    if (this.#looks === 2) return;
    this.#looks++;
    const found = (await this.#watched.look?.().catch(() => undefined))?.generation;
    if (this.#looks === 1) this.#before = found;
    else if (this.#before === found) this.#confirmed = found;
  }

  /**
   * Takes a report.
   *
   * @param owner The id of the owner of the path.
   * @returns An update, if the owner reports that; `change` if the path may have another owner now, or none.
   */
  take(report: PeerReport, owner: string | undefined): AppendUpdate | "change" | undefined {
    const { from, type, generation } = report;
    const isAppending = type === "state" || type === "grown";
    if (isAppending) this.#last.set(from, { size: report.size, closed: report.closed });
    else this.#last.delete(from);
    if (type === "state") this.#generations.set(from, generation ?? "");
    else if (!isAppending) this.#generations.delete(from);
    if (from !== owner) return type === "state" ? "change" : undefined;
    if (type === "ended" || type === "gone") return "change";
    return type === "none" ? undefined : this.#growthIn(report);
  }

  /** Growth that a process has reported before it was known to be the owner; undefined if that was passed on already. */
  ofOwner(id: string): AppendUpdate | undefined {
    const last = this.#last.get(id);
    return last && this.#growthIn({ from: id, type: "grown", ...last });
  }

  /** The growth that the owner of the path reports; undefined if it is known already. */
  #growthIn({ from, size, closed, bytes }: PeerReport): AppendUpdate | undefined {
    const last = this.size ?? 0;
    const isKnown = size === last && this.size !== undefined && (!closed || this.#isClosed);
    if (size < last || isKnown) return undefined;
    this.size = size;
    this.#isClosed = closed;
    const start = size - (bytes?.length ?? 0);
    const isSame = this.#confirmed !== undefined && this.#generations.get(from) === this.#confirmed;
    if (!bytes || start > last || !isSame) return { size, closed };
    return { size, closed, bytes: bytes.subarray(last - start) };
  }
}
