/**
 * Turns what other processes report into growth.
 * @module
 */
import type { Growth } from "../../../engine/storage/store.ts";
import type { News } from "../peers/links.ts";
import type { Watched } from "./watched.ts";

/** What is reported about one path, beside what its files show. */
export class Reports {
  /** The size that was passed on last. */
  size: number | undefined;
  readonly #watched: Watched;
  /** The processes that report an append, and the generations of its content. */
  readonly #generations = new Map<string, string>();
  /** The generation of the content that the watcher has found. */
  #confirmed: string | undefined;
  /** What the first look has found. */
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
   * Finds out which content the watcher finds: the one that is there before it looks, and still is after that. So call it
   * before the first size is passed on, and each time when the watcher asks for more. Reports of another content come
   * without bytes.
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
   * @returns Growth, if the owner reports that; `change` if the path may have another owner now, or none.
   */
  take(news: News, owner: string | undefined): Growth | "change" | undefined {
    const { from, type, generation } = news;
    if (type === "state") this.#generations.set(from, generation ?? "");
    else if (type !== "grown") this.#generations.delete(from);
    if (from !== owner) return type === "state" ? "change" : undefined;
    if (type === "ended" || type === "gone") return "change";
    return type === "none" ? undefined : this.#growthIn(news);
  }

  /** The growth that the owner of the path reports; undefined if it is known already. */
  #growthIn({ from, size, closed, bytes }: News): Growth | undefined {
    const last = this.size ?? 0;
    const state = closed ? { closed } : {};
    if (size < last || (size === last && !closed && this.size !== undefined)) return undefined;
    this.size = size;
    const start = size - (bytes?.length ?? 0);
    const isSame = this.#confirmed !== undefined && this.#generations.get(from) === this.#confirmed;
    if (!bytes || start > last || !isSame) return { size, ...state };
    return { size, bytes: bytes.subarray(last - start), ...state };
  }
}
