/**
 * A folder's listing, as HTML for people or as JSON for programs, generated row by row as the client reads it.
 * @module
 */
import type { StoreEntry, StoreListing } from "../../engine/storage/store.ts";
import type { EndedReason } from "../../protocol/end-reason.ts";
import { TOKEN_PARAMETER } from "../../protocol/parameters.ts";
import { isAddressable } from "../../protocol/path.ts";
import { asksForPage, isNavigation, NAVIGATION_HEADERS } from "../gate/navigation.ts";
import { tokenPage } from "../gate/token-page.ts";
import { writableDate } from "../request/http-date.ts";
import type { ListingParameters } from "../request/read-parameters.ts";
import { FREE_BYTES, openBody } from "../service/large-read.ts";
import type { Exchange, Service } from "../service/service.ts";
import { PAGE_HEADERS, renderPage, viewerPage } from "../viewer/page.ts";
import { folderPage, type Listing, listingPage } from "./listing-page.ts";
import { reportFailures } from "./report-failures.ts";
import { untilExpired } from "./until-expired.ts";

/** No page may frame a listing and trick its visitor into clicking on it. */
const NO_FRAMING_HEADERS = { "X-Frame-Options": "DENY" };

/** Characters to gather before they are sent. */
const PIECE_LENGTH = 16 * 1024;

const ENCODER = new TextEncoder();

/**
 * The rows of a folder that the request may see, one more than the limit if there is a next page; `undefined` if there is no
 * such folder. The folder of a scope always exists for its clients, as the root does.
 *
 * @param below The path as the client knows it.
 */
export async function rowsOf(
  { store }: Service,
  exchange: Exchange,
  below: string,
  { after, limit }: ListingParameters,
): Promise<StoreListing | undefined> {
  const { path } = exchange.subject;
  const from = after === undefined ? {} : { after };
  const isVisible = rowFilter(exchange, below);
  if (!isVisible) {
    return await store.list(path, { ...from, ...(limit === undefined ? {} : { limit: limit + 1 }) });
  }
  // Which rows are left out is not known before, so that the store can't count.
  const rows = (await store.list(path, from)) ?? (isScopeFolder(exchange, below) ? [] : undefined);
  return rows && visible(rows, isVisible);
}

/** The predicate for the rows that a request may see; undefined if it may see all. */
export function rowFilter(exchange: Exchange, below: string): ((row: StoreEntry) => boolean) | undefined {
  const { subject, access } = exchange;
  const { path } = subject;
  const isScope = isScopeFolder(exchange, below);
  const mayRead = access?.mayRead;
  if (!isScope && !mayRead) return undefined;
  const prefix = path === "" ? "" : `${path}/`;
  return ({ name, kind }) => {
    // The folder of a scope may have names that no URL could name in the whole root.
    if (isScope && !isAddressable("", name)) return false;
    return mayRead?.(prefix + name, kind === "folder") ?? true;
  };
}

/** Whether a request is for the folder of its scope. For the clients of a scope, its folder always exists. */
export function isScopeFolder({ subject }: Exchange, below: string): boolean {
  return below === "" && subject.path !== "";
}

async function* visible(
  rows: StoreListing,
  isVisible: (row: StoreEntry) => boolean,
): AsyncGenerator<StoreEntry, void, void> {
  for await (const row of rows) if (isVisible(row)) yield row;
}

/** Responds with the rows of a folder. Links are absolute, so that they work with and without a trailing slash. */
export async function listing(
  service: Service,
  exchange: Exchange,
  at: Pick<Listing, "base" | "folder" | "entries">,
  { format, limit }: ListingParameters,
): Promise<Response> {
  const { c } = exchange;
  // Links must not carry the token, so the page removes it from the address bar, and lists the folder itself.
  if (format === "html" && exchange.access && c.req.query(TOKEN_PARAMETER) !== undefined && isNavigation(c)) {
    if (service.viewer) return viewerPage(c, { status: 200, base: at.base, varies: true });
    return tokenPage({ status: 200, method: c.req.method, vary: NAVIGATION_HEADERS });
  }
  const parts = { ...at, limit };
  const isJson = format === "json";
  const headers: Record<string, string> = {
    "Content-Type": isJson ? "application/json" : "text/html; charset=UTF-8",
    "Cache-Control": "no-cache",
    Vary: service.viewer ? NAVIGATION_HEADERS : "Accept",
    "X-Content-Type-Options": "nosniff",
    ...NO_FRAMING_HEADERS,
  };
  const isPage = !isJson && service.viewer && (isNavigation(c) || asksForPage(c));
  if (isPage) Object.assign(headers, PAGE_HEADERS);
  else if (!isJson) {
    headers["Content-Security-Policy"] =
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  }
  // A HEAD reads nothing of the folder.
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const { body, bytes } = await bodyOf(
    isJson ? json(parts) : isPage ? folderPage(parts, (all) => renderPage(c, at.base, all)) : listingPage(parts),
  );
  try {
    return await openBody(service, exchange, bytes, async () => {
      return new Response(reportFailures(service, exchange, untilExpired(exchange, body), bytes), { headers });
    });
  } catch (error) {
    await body.cancel();
    throw error;
  }
}

async function* json({ folder, entries, limit }: Listing): AsyncGenerator<string, void, void> {
  yield `{"path":${JSON.stringify(`/${folder}`)},"entries":[`;
  let last: string | undefined;
  let count = 0;
  for await (const entry of entries) {
    if (count === limit) {
      yield `],"next":${JSON.stringify(last)}}`;
      return;
    }
    yield `${count > 0 ? "," : ""}${formatRow(entry)}`;
    last = entry.name;
    count++;
  }
  yield "]}";
}

/** A row of a listing. */
export interface ListedRow extends StoreEntry {
  /** How the last append ended; undefined if that is not on record. */
  readonly reason?: EndedReason | undefined;
}

/** Formats a row as JSON. */
export function formatRow({ name, kind, size, modified, appending = false, reason }: ListedRow): string {
  // Serializing only the strings takes half as long, and there may be hundreds of thousands of rows.
  const rest = `"kind":"${kind}","size":${size},"modified":"${writableDate(modified).toISOString()}","appending":${appending}`;
  const how = reason === undefined ? "" : `,"reason":"${reason}"`;
  return `{"name":${JSON.stringify(name)},${rest}${how}}`;
}

/**
 * Encodes text as a body, generated no faster than it is read.
 *
 * @returns The body and its size, or the size of its first part if that is more than {@link FREE_BYTES}.
 */
async function bodyOf(
  pieces: AsyncGenerator<string, void, void>,
): Promise<{ body: ReadableStream<Uint8Array>; bytes: number }> {
  const first: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= FREE_BYTES) {
    const piece = await nextPiece(pieces);
    if (!piece) break;
    first.push(piece);
    bytes += piece.length;
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = first.shift() ?? (await nextPiece(pieces));
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
    async cancel() {
      await pieces.return();
    },
  });
  return { body, bytes };
}

/** The next piece; `undefined` at the end. */
async function nextPiece(pieces: AsyncGenerator<string, void, void>): Promise<Uint8Array | undefined> {
  let text = "";
  while (text.length < PIECE_LENGTH) {
    const { done, value } = await pieces.next();
    if (done) break;
    text += value;
  }
  return text === "" ? undefined : ENCODER.encode(text);
}
