/**
 * The view of a folder.
 * @module
 */
import type { Source } from "./bytes/source.ts";
import { humanBytes } from "./rows/row.ts";
import { showRefusal } from "./start.ts";
import type { Status } from "./status.ts";
import { byId, make } from "./ui/dom.ts";

/** Entries to show at once. */
const MOST_ENTRIES = 1_000;

interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly size: number;
  readonly modified: string;
  readonly appending: boolean;
}

interface Listing {
  readonly entries: readonly Entry[];
  readonly next?: string;
}

/** Shows the entries of the folder. */
export async function showFolder(source: Source, status: Status): Promise<void> {
  const given = source.url.searchParams.has("limit") ? {} : { limit: String(MOST_ENTRIES) };
  const response = await source.request(source.with(given), { headers: { Accept: "application/json" } });
  if (!response.ok) {
    status.set("refused");
    return showRefusal(source, await response.text());
  }
  const { entries, next } = (await response.json()) as Listing;
  status.set("unknown");
  byId("state").textContent = entries.length === 1 ? "One entry" : `${entries.length} entries`;
  const folder = source.url.pathname.replace(/\/*$/, "/");
  const rows = entries.map((entry) => rowOf(folder, entry));
  const table = byId("entries");
  table.querySelector("tbody")?.replaceChildren(...rows);
  byId("pane").hidden = true;
  byId("folder").hidden = false;
  const more = byId("more-entries");
  more.hidden = next === undefined;
  if (next === undefined || !(more instanceof HTMLAnchorElement)) return;
  more.href = source.with({ ...given, after: next }).href;
  more.textContent = `More, after ${next}`;
}

function rowOf(folder: string, { name, kind, size, modified, appending }: Entry): HTMLTableRowElement {
  const row = document.createElement("tr");
  const slash = kind === "folder" ? "/" : "";
  const link = make("a", name + slash, { href: folder + encodeURIComponent(name) + slash });
  const live = appending ? [make("span", " ● live", { className: "live" })] : [];
  const first = make("td", "");
  first.append(link, ...live);
  const time = make("time", new Date(modified).toLocaleString(), { dateTime: modified });
  const last = make("td", "");
  last.append(time);
  row.append(first, make("td", slash === "" ? humanBytes(size) : ""), last);
  return row;
}
