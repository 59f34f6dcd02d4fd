/**
 * A folder's listing, as a page for people and as JSON for programs.
 * @module
 */
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { html } from "hono/html";
import { urlPath } from "../core/path.ts";
import type { StoreEntry } from "../core/store.ts";

/** No page may show a listing inside of itself, and have its visitor click on it unawares. */
const UNFRAMED = { "X-Frame-Options": "DENY" };

/**
 * Answers with the rows of a folder. Links are absolute, so that the listing works with and without a trailing slash.
 *
 * @param base The URL path under which the root folder is reached, without a trailing slash.
 */
export async function listing(c: Context, base: string, folder: string, entries: StoreEntry[]): Promise<Response> {
  const supports = ["text/html", "application/json"];
  const type = accepts(c, { header: "Accept", supports, default: "text/html" });
  const headers = { "Cache-Control": "no-cache", Vary: "Accept", "X-Content-Type-Options": "nosniff", ...UNFRAMED };
  if (type === "application/json") return c.json({ path: `/${folder}`, entries }, 200, headers);
  return c.html(page(base, folder, entries), 200, {
    ...headers,
    "Content-Security-Policy":
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
}

function page(base: string, folder: string, entries: StoreEntry[]): ReturnType<typeof html> {
  const here = folder === "" ? `${base}/` : `${base}/${urlPath(folder)}/`;
  const up = folder === "" ? "" : html`<tr><td><a href="${parent(here)}">..</a></td><td></td><td></td></tr>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>/${folder}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 52rem; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
td { padding: .15rem .5rem; border-bottom: 1px solid #8884 }
td + td { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
</style>
</head>
<body>
<h1>/${folder}</h1>
<table>
${up}${entries.map((entry) => row(here, entry))}
</table>
</body>
</html>
`;
}

function row(here: string, { name, kind, size, modified }: StoreEntry): ReturnType<typeof html> {
  const slash = kind === "folder" ? "/" : "";
  const time = modified.toISOString();
  return html`<tr><td><a href="${here}${encodeURIComponent(name)}${slash}">${name}${slash}</a></td><td>${
    kind === "file" ? size : ""
  }</td><td><time datetime="${time}">${time.slice(0, 19).replace("T", " ")}</time></td></tr>
`;
}

function parent(here: string): string {
  return here.replace(/[^/]+\/$/, "");
}
