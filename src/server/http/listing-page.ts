/**
 * A folder's listing as an HTML page.
 * @module
 */
import { html } from "hono/html";
import type { StoreEntry, StoreListing } from "../../engine/storage/store.ts";
import { urlPath } from "../../protocol/path.ts";
import { PAGE_STYLE } from "../gate/page-style.ts";
import { writableDate } from "../request/http-date.ts";
import { listedName, SIGN_STYLE, titleName } from "../viewer/listed-name.ts";
import type { PageParts } from "../viewer/page.ts";

/** What to list, and how. */
export interface Listing {
  /** The URL path of the root folder, without a trailing slash. */
  readonly base: string;
  /** The resource path of the folder. */
  readonly folder: string;
  /** Maximum number of rows; `undefined` for all. */
  readonly limit: number | undefined;
  /** The rows. One more than the limit means that there is a next page. */
  readonly entries: StoreListing;
}

/** Marks the places for the rows and for the link to more. No file name contains it. */
const MARK = "\0";

const STYLE = `${PAGE_STYLE}time, .live { color: var(--faint) }
${SIGN_STYLE}
`;

/**
 * Yields the viewer page with the rows, piece by piece. Without JavaScript it is a listing like {@link listingPage}.
 *
 * @param page Renders the page with these parts.
 */
export async function* folderPage(
  { base, folder, entries, limit }: Listing,
  page: (parts: PageParts) => Promise<string>,
): AsyncGenerator<string, void, void> {
  const here = hereOf(base, folder);
  const name = folder === "" ? "/" : folder.slice(folder.lastIndexOf("/") + 1);
  const names = { TITLE: String(html`${titleName(name)}`), NAME: String(listedName(name)) };
  const marks = { ROWS: MARK, NEXT: MARK };
  let next = "";
  let count = 0;
  const [front = "", between = "", end = ""] = (
    await page({ ...names, PATH: String(foldersAbove(here, folder)), "IF-FOLDER": " hidden", ...marks })
  ).split(MARK);
  yield front;
  if (folder !== "") yield String(parentRow(here));
  let last = "";
  for await (const entry of entries) {
    if (count === limit) {
      next = String(nextLink(here, limit, last));
      break;
    }
    yield String(row(here, entry));
    last = entry.name;
    count++;
  }
  yield between + next + end;
}

/** Yields the page without the viewer, piece by piece. */
export async function* listingPage({ base, folder, entries, limit }: Listing): AsyncGenerator<string, void, void> {
  const here = hereOf(base, folder);
  yield String(head(folder));
  if (folder !== "") yield String(parentRow(here));
  let last = "";
  let count = 0;
  for await (const entry of entries) {
    if (count === limit) {
      yield `</tbody></table>${nextLink(here, limit, last)}`;
      yield "</body></html>\n";
      return;
    }
    yield String(row(here, entry));
    last = entry.name;
    count++;
  }
  yield "</tbody></table></body></html>\n";
}

function hereOf(base: string, folder: string): string {
  return folder === "" ? `${base}/` : `${base}/${urlPath(folder)}/`;
}

/** Links to the folders above, as the script of the page makes them. */
function foldersAbove(here: string, folder: string): ReturnType<typeof html> {
  const segments = folder === "" ? [] : folder.split("/");
  const links = segments.map((_, at) => {
    const name = at === 0 ? "/" : `${segments[at - 1]}/`;
    return html`<a href="${here
      .split("/")
      .slice(0, at - segments.length - 1)
      .join("/")}/">${listedName(name)}</a>`;
  });
  return html`${links}`;
}

function parentRow(here: string): ReturnType<typeof html> {
  return html`<tr><td><a href="${parent(here)}">..</a></td><td></td><td></td></tr>`;
}

function nextLink(here: string, limit: number, last: string): ReturnType<typeof html> {
  const next = `${here}?limit=${limit}&after=${encodeURIComponent(last)}`;
  return html`<p><a rel="next" href="${next}">The next ${limit}</a>, after ${listedName(last)}</p>`;
}

function head(folder: string): ReturnType<typeof html> {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>/${titleName(folder)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>/${listedName(folder)}</h1>
<table><thead><tr><th>Name</th><th>Bytes</th><th>Changed</th></tr></thead><tbody>
`;
}

function row(here: string, { name, kind, size, modified, appending }: StoreEntry): ReturnType<typeof html> {
  const slash = kind === "folder" ? "/" : "";
  const time = writableDate(modified).toISOString();
  const live = appending ? html` <span class="live">(live)</span>` : "";
  return html`<tr><td><a href="${here}${encodeURIComponent(name)}${slash}">${listedName(name)}${slash}</a>${live}</td><td>${
    kind === "file" ? size : ""
  }</td><td><time datetime="${time}">${time.slice(0, 19).replace("T", " ")} UTC</time></td></tr>
`;
}

function parent(here: string): string {
  return here.replace(/[^/]+\/$/, "");
}
