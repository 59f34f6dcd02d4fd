/**
 * The parameters of a read or a follow, besides its path.
 * @module
 */
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { StreamError } from "../../protocol/errors.ts";
import { parseStart, type Start } from "../../protocol/offset.ts";
import { quotedWord } from "../../protocol/quoted-word.ts";

/** The parameters of a read or a follow. */
export interface ReadParameters {
  /** Where to start. */
  readonly start: Start;
  /** Whether the request has a start. If it does, `Range` does not apply. */
  readonly hasStart: boolean;
  /** The generation that the content must have; `undefined` for any. */
  readonly generation: string | undefined;
  /** Whether the follow continues when the append ends, and waits for the next one. */
  readonly stay: boolean;
  /** How to wait for data that comes later; `undefined` for a read of what is stored. */
  readonly live: LiveMode | undefined;
  /** The number that the client's last answer has named, for {@link live}. */
  readonly cursor: string | undefined;
  /** Whether to answer with the stored bytes, whatever they mean. */
  readonly raw: boolean;
  /** Whether the client would rather have lines of JSON than an array. */
  readonly prefersLines: boolean;
  /** For the listing of a folder. */
  readonly listing: ListingParameters;
  /** The answer about the content that the client wants in place of the bytes; undefined for the bytes. */
  readonly view: LinesParameters | SearchParameters | undefined;
}

/** A request for line counts. */
export interface LinesParameters {
  readonly kind: "lines";
  /** The first block. */
  readonly from: number;
}

/** A search. */
export interface SearchParameters {
  readonly kind: "search";
  /** The text to search for. */
  readonly text: string;
  readonly ignoreCase: boolean;
  /** The offset of the first byte to search. */
  readonly from: number;
  /** Maximum number of hits. */
  readonly limit: number;
}

/** How a client waits for data: with one answer per wait, or with server-sent events. */
export type LiveMode = "long-poll" | "sse";

/** Which rows of a folder to list, and how. */
export interface ListingParameters {
  readonly format: "html" | "json";
  /** The name after which the rows begin; `undefined` for the first. */
  readonly after: string | undefined;
  /** Maximum number of rows; `undefined` for all. */
  readonly limit: number | undefined;
}

/** The media type of lines of JSON. */
export const LINES_TYPE = "application/x-ndjson";

/** Rows per HTML page if the request has no limit. */
const PAGE_ROWS = 1_000;

/** Maximum number of hits of a search without `limit`. */
const DEFAULT_HITS = 1_000;

/** Maximum bytes of the text of a search. */
const MAX_TEXT_BYTES = 1_000;

/**
 * Parses the query, and the `Accept` header for listings.
 *
 * @throws {StreamError} `bad_request` for an invalid offset, tail, stay or limit, or invalid parameters of line counts or a search.
 */
export function readParameters(c: Context): ReadParameters {
  const { tail, generation, stay, after, limit, live, cursor, raw } = c.req.query();
  const offset = offsetOf(c);
  const start = parseStart(offset, tail);
  const format = acceptedFormat(c);
  return {
    start,
    hasStart: offset !== undefined || tail !== undefined,
    generation,
    stay: parseStay(stay),
    live: parseLive(live),
    cursor,
    raw: raw !== undefined,
    prefersLines: acceptsLines(c),
    view: viewOf(c),
    listing: { format, after, limit: limit === undefined ? defaultLimit(format) : parseLimit(limit) },
  };
}

/** The one offset. */
function offsetOf(c: Context): string | undefined {
  const offsets = c.req.queries("offset") ?? [];
  if (offsets.length <= 1) return offsets[0];
  throw new StreamError("bad_request", 'Give "offset" once.');
}

function parseLive(live: string | undefined): LiveMode | undefined {
  if (live === undefined || live === "") return undefined;
  if (live === "long-poll" || live === "sse") return live;
  throw new StreamError("bad_request", `"live" must be long-poll or sse, not ${quotedWord(live)}.`);
}

/**
 * Parses `stay`: on for `1`, `true` and no value, off for `0` and `false`.
 *
 * @throws {StreamError} `bad_request` for any other value.
 */
export function parseStay(stay: string | undefined): boolean {
  if (stay === undefined || stay === "0" || stay === "false") return false;
  if (stay === "" || stay === "1" || stay === "true") return true;
  throw new StreamError("bad_request", `"stay" must be 1 or 0, not ${quotedWord(stay)}.`);
}

function acceptsLines(c: Context): boolean {
  const supports = ["application/json", LINES_TYPE];
  return accepts(c, { header: "Accept", supports, default: "application/json" }) === LINES_TYPE;
}

function acceptedFormat(c: Context): "html" | "json" {
  const supports = ["text/html", "application/json"];
  const accepted = accepts(c, { header: "Accept", supports, default: "text/html" });
  return accepted === "application/json" ? "json" : "html";
}

function defaultLimit(format: "html" | "json"): number | undefined {
  return format === "html" ? PAGE_ROWS : undefined;
}

function parseLimit(limit: string, what = "rows"): number {
  if (/^0*[1-9][0-9]{0,8}$/.test(limit)) return Number(limit);
  const message = `"limit" must be a whole number of ${what}, at least 1, not ${quotedWord(limit)}.`;
  throw new StreamError("bad_request", message);
}

function viewOf(c: Context): ReadParameters["view"] {
  const { lines, search, from, limit, case: matchCase } = c.req.query();
  if (lines === undefined && search === undefined) return undefined;
  if (lines !== undefined && search !== undefined) {
    throw new StreamError("bad_request", 'Give "lines" or "search", not both.');
  }
  const offset = from === undefined ? 0 : parseFrom(from, search === undefined ? "the number of a block" : "an offset");
  if (search === undefined) return { kind: "lines", from: offset };
  return {
    kind: "search",
    text: searchText(c, search),
    ignoreCase: parseCase(matchCase),
    from: offset,
    limit: limit === undefined ? DEFAULT_HITS : parseLimit(limit, "hits"),
  };
}

function parseFrom(from: string, what: string): number {
  if (/^[0-9]+$/.test(from)) return Math.min(Number(from), Number.MAX_SAFE_INTEGER);
  throw new StreamError("bad_request", `"from" must be ${what}, a whole number, not ${quotedWord(from)}.`);
}

/** Whether a search ignores case. */
function parseCase(matchCase: string | undefined): boolean {
  if (matchCase === undefined || matchCase === "1") return false;
  if (matchCase === "0") return true;
  throw new StreamError("bad_request", `"case" must be 1, or 0 to ignore case, not ${quotedWord(matchCase)}.`);
}

/** Checks the text of a search. */
function searchText(c: Context, text: string): string {
  if (text === "") throw new StreamError("bad_request", '"search" needs a text to search for.');
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_TEXT_BYTES) {
    throw new StreamError("bad_request", `"search" may have at most ${MAX_TEXT_BYTES} bytes, but has ${length}.`);
  }
  if (text.includes("\x1b")) {
    throw new StreamError(
      "bad_request",
      '"search" has an escape character, which never matches: a search skips escape sequences.',
    );
  }
  // Hono keeps a percent escape that is not UTF-8 as text, which the search would then look for.
  const query = new URLSearchParams(c.req.url.replace(/^[^?]*\??/, "").replace(/#.*$/s, ""));
  const [given, ...others] = query.getAll("search");
  if (given === text && others.length === 0) return text;
  throw new StreamError("bad_request", '"search" must be UTF-8, percent-encoded, and given once.');
}
