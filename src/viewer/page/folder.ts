/**
 * The view of a folder: a table of its entries that changes as they do.
 * @module
 */
import { pause, Refused, type Source } from "./bytes/source.ts";
import { type Entry, folderUrl, type Listing, readEntries, readEntriesAfter } from "./folder/entries.ts";
import { compare, type Order, type SortKey } from "./folder/order.ts";
import { humanBytes } from "./rows/row.ts";
import { askForToken, showRefusal } from "./start.ts";
import type { Status } from "./status.ts";
import { byId, inputById, make, showBanner } from "./ui/dom.ts";
import { withSigns } from "./ui/signs.ts";

/** Rows that are added when the reader reaches the end of the table. */
const BATCH = 300;

/** Milliseconds between two updates of the table, and between those of the times in it. */
const UPDATE_MS = 250;
const TIMES_MS = 10_000;

/** The table. */
class FolderView {
  readonly #source: Source;
  readonly #status: Status;
  readonly #body: HTMLElement;
  readonly #rows = new Map<string, { readonly entry: Entry; readonly row: HTMLTableRowElement }>();
  #listing: Listing = { entries: new Map(), next: undefined };
  /** The name after which the entries begin; undefined for the first ones. */
  readonly #after: string | undefined;
  #order: Order = { key: "modified", isDescending: true };
  #shown = BATCH;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source, status: Status, after: string | undefined) {
    this.#after = after;
    this.#source = source;
    this.#status = status;
    this.#body = byId("entries").querySelector("tbody") ?? byId("entries");
    inputById("filter").addEventListener("input", () => this.#draw());
    const more = byId("more-entries");
    more.addEventListener("click", () => this.#showMore());
    new IntersectionObserver(([seen]) => seen?.isIntersecting && this.#showMore()).observe(more);
    for (const head of byId("entries").querySelectorAll<HTMLElement>("th")) this.#sortBy(head);
    setInterval(() => this.#showTimes(), TIMES_MS);
  }

  get isEmpty(): boolean {
    return this.#listing.entries.size === 0;
  }

  /** Shows these entries, soon. */
  show(listing: Listing): void {
    this.#listing = listing;
    this.#timer ??= setTimeout(() => this.#draw(), UPDATE_MS);
  }

  /** Turns a heading into a button that sorts. */
  #sortBy(head: HTMLElement): void {
    const key = head.dataset.sort as SortKey;
    const button = make("button", head.textContent ?? "", { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const isSame = this.#order.key === key;
      this.#order = { key, isDescending: isSame ? !this.#order.isDescending : key !== "name" };
      this.#draw();
    });
  }

  #showMore(): void {
    this.#shown += BATCH;
    this.#draw();
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const wanted = inputById("filter").value.toLowerCase();
    const all = [...this.#listing.entries.values()].filter(({ name }) => name.toLowerCase().includes(wanted));
    all.sort(compare(this.#order));
    const rows = all.slice(0, this.#shown).map((entry) => this.#rowOf(entry));
    const { children } = this.#body;
    // Only rows that have moved are touched, so that the focus stays.
    for (const [at, row] of rows.entries())
      if (children[at] !== row) this.#body.insertBefore(row, children[at] ?? null);
    while (children.length > rows.length) children[children.length - 1]?.remove();
    for (const name of this.#rows.keys()) if (!this.#listing.entries.has(name)) this.#rows.delete(name);
    byId("more-entries").hidden = all.length <= rows.length;
    byId("more-entries").textContent = `${all.length - rows.length} more`;
    this.#tell(all.length);
    this.#linkNext();
    for (const head of byId("entries").querySelectorAll<HTMLElement>("th")) {
      const isSorted = head.dataset.sort === this.#order.key;
      head.ariaSort = isSorted ? (this.#order.isDescending ? "descending" : "ascending") : null;
    }
  }

  #tell(shown: number): void {
    const live = [...this.#listing.entries.values()].filter(({ appending }) => appending).length;
    const count = this.#listing.entries.size;
    const { next } = this.#listing;
    const isWhole = next === undefined && this.#after === undefined;
    const which = isWhole ? "" : this.#after === undefined ? "the first " : "the next ";
    const some = `${which}${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"}`;
    const all = isWhole && count === 1 ? "One entry" : some.replace("the", "The");
    const more = next === undefined ? "" : "; there are more";
    const part = (shown === count ? all : `${shown.toLocaleString("en")} of ${some}`) + more;
    this.#status.say(live === 0 ? part : `${part}, ${live} live`, live > 0);
  }

  /** Links to the entries behind those that are listed. */
  #linkNext(): void {
    const { next } = this.#listing;
    const place = byId("next-entries");
    place.hidden = next === undefined;
    if (next === undefined) return;
    const link = make("a", "The next entries", { href: folderUrl(this.#source, { after: next }).href, rel: "next" });
    place.replaceChildren(link, ", after ", ...withSigns(next));
  }

  #rowOf(entry: Entry): HTMLTableRowElement {
    const known = this.#rows.get(entry.name);
    if (known?.entry === entry) return known.row;
    const row = known?.row ?? this.#newRow(entry);
    const [first, size, changed] = row.cells;
    const live = first?.querySelector(".live");
    if (!entry.appending) live?.remove();
    else if (!live) first?.append(make("span", " ● live", { className: "live" }));
    if (size) size.textContent = entry.kind === "file" ? humanBytes(entry.size) : "";
    const time = changed?.querySelector("time");
    if (time) showTime(time, entry.modified);
    this.#rows.set(entry.name, { entry, row });
    return row;
  }

  #newRow({ name, kind }: Entry): HTMLTableRowElement {
    const row = document.createElement("tr");
    const slash = kind === "folder" ? "/" : "";
    const first = make("td", "");
    const link = make("a", "", { href: folderUrl(this.#source, {}).pathname + encodeURIComponent(name) + slash });
    link.append(...withSigns(name + slash));
    first.append(link);
    const changed = make("td", "");
    changed.append(make("time", ""));
    row.append(first, make("td", ""), changed);
    return row;
  }

  #showTimes(): void {
    for (const { entry, row } of this.#rows.values()) {
      const time = row.isConnected ? row.querySelector("time") : null;
      if (time) showTime(time, entry.modified);
    }
  }
}

/**
 * Shows the entries of the folder, and their changes, until the server refuses the folder. If the address names one of the entries,
 * shows those after it as they are now.
 */
export async function showFolder(source: Source, status: Status): Promise<void> {
  const after = new URL(location.href).searchParams.get("after") ?? undefined;
  const view = new FolderView(source, status, after);
  byId("pane").hidden = true;
  byId("folder").hidden = false;
  byId("folder-tools").hidden = false;
  for (const link of document.querySelectorAll("#folder [rel=next]")) link.parentElement?.remove();
  const read = async (): Promise<void> => {
    // Only the first entries have a live listing.
    if (after === undefined) await readEntries(source, (listing) => view.show(listing));
    else view.show(await readEntriesAfter(source, after));
  };
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Refused)) {
        status.set(navigator.onLine ? "reconnecting" : "offline");
        await pause();
      } else if (error.status === 401) await askForToken(source, error.message);
      else if (error.status === 404) return showMissing(view, status, error.message);
      else {
        status.set("refused");
        return showRefusal(source, error.message);
      }
    }
  }
}

/** Says that the folder does not exist, or does not any more. */
function showMissing({ isEmpty }: FolderView, status: Status, message: string): void {
  status.set(isEmpty ? "missing" : "deleted");
  showBanner(message, { label: "Look again", run: () => location.reload() });
}

const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** Shows a time relative to now. Its title has the exact time, in the time zone of the reader. */
function showTime(element: HTMLTimeElement, modified: string): void {
  const date = new Date(modified);
  const seconds = Math.round((date.getTime() - Date.now()) / 1_000);
  const units = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const;
  const [size, unit] = units.find(([one]) => -seconds >= one) ?? units[3];
  const isOld = seconds < -30 * 86_400;
  element.textContent = isOld ? date.toLocaleDateString() : AGO.format(Math.min(0, Math.round(seconds / size)), unit);
  element.dateTime = modified;
  element.title = date.toLocaleString();
}
