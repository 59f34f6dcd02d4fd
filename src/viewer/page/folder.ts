/**
 * The view of a folder: a table of its entries that changes as they do.
 * @module
 */
import { pause, Refused, type Source } from "./bytes/source.ts";
import { type Entry, readEntries } from "./folder/entries.ts";
import { compare, type Order, type SortKey } from "./folder/order.ts";
import { humanBytes } from "./rows/row.ts";
import { askForToken, showRefusal } from "./start.ts";
import type { Status } from "./status.ts";
import { byId, inputById, make, showBanner } from "./ui/dom.ts";

/** Rows that are added when the reader reaches the end of the table. */
const BATCH = 300;

/** Milliseconds between two updates of the table, and between those of the times in it. */
const UPDATE_MS = 250;
const TIMES_MS = 10_000;

/** The table. */
class FolderView {
  readonly #folder: string;
  readonly #status: Status;
  readonly #body: HTMLElement;
  readonly #rows = new Map<string, { readonly entry: Entry; readonly row: HTMLTableRowElement }>();
  entries = new Map<string, Entry>();
  #order: Order = { key: "modified", isDescending: true };
  #shown = BATCH;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: Source, status: Status) {
    this.#folder = source.url.pathname.replace(/\/*$/, "/");
    this.#status = status;
    this.#body = byId("entries").querySelector("tbody") ?? byId("entries");
    inputById("filter").addEventListener("input", () => this.#draw());
    const more = byId("more-entries");
    more.addEventListener("click", () => this.#showMore());
    new IntersectionObserver(([seen]) => seen?.isIntersecting && this.#showMore()).observe(more);
    for (const head of byId("entries").querySelectorAll<HTMLElement>("th")) this.#sortBy(head);
    setInterval(() => this.#showTimes(), TIMES_MS);
  }

  /** Schedules an update of the table. */
  update(): void {
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
    const all = [...this.entries.values()].filter(({ name }) => name.toLowerCase().includes(wanted));
    all.sort(compare(this.#order));
    const rows = all.slice(0, this.#shown).map((entry) => this.#rowOf(entry));
    const { children } = this.#body;
    // Only rows that have moved are touched, so that the focus stays.
    for (const [at, row] of rows.entries())
      if (children[at] !== row) this.#body.insertBefore(row, children[at] ?? null);
    while (children.length > rows.length) children[children.length - 1]?.remove();
    for (const name of this.#rows.keys()) if (!this.entries.has(name)) this.#rows.delete(name);
    byId("more-entries").hidden = all.length <= rows.length;
    byId("more-entries").textContent = `${all.length - rows.length} more`;
    this.#tell(all.length);
    for (const head of byId("entries").querySelectorAll<HTMLElement>("th")) {
      const isSorted = head.dataset.sort === this.#order.key;
      head.ariaSort = isSorted ? (this.#order.isDescending ? "descending" : "ascending") : null;
    }
  }

  #tell(shown: number): void {
    const live = [...this.entries.values()].filter(({ appending }) => appending).length;
    const count = this.entries.size;
    const entries = count === 1 ? "One entry" : `${count.toLocaleString("en")} entries`;
    const part = shown === count ? entries : `${shown.toLocaleString("en")} of ${entries}`;
    this.#status.say(live === 0 ? part : `${part}, ${live} live`, live > 0);
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
    const link = make("a", name + slash, { href: this.#folder + encodeURIComponent(name) + slash });
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

/** Shows the entries of the folder, and their changes, until the server refuses the folder. */
export async function showFolder(source: Source, status: Status): Promise<void> {
  const view = new FolderView(source, status);
  byId("pane").hidden = true;
  byId("folder").hidden = false;
  byId("folder-tools").hidden = false;
  for (const link of document.querySelectorAll("#folder [rel=next]")) link.parentElement?.remove();
  for (;;) {
    try {
      await readEntries(source, (entries) => {
        view.entries = entries;
        view.update();
      });
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
function showMissing({ entries }: FolderView, status: Status, message: string): void {
  status.set(entries.size === 0 ? "missing" : "deleted");
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
