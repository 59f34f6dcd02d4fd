/**
 * Which web pages may follow and append.
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { CONTENT_HEADERS } from "../../protocol/generation.ts";
import { NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { REQUEST_ID_HEADER } from "../../protocol/request-id.ts";
import {
  CLOSED_HEADER,
  CURSOR_HEADER,
  ENCODING_HEADER,
  EXPIRES_HEADER,
  PRODUCER_HEADERS,
  TTL_HEADER,
  UP_TO_DATE_HEADER,
} from "../../protocol/stream-headers.ts";
import type { RefusalHints } from "./refusal-hints.ts";
import { METHODS } from "./verb.ts";

/** This package's own headers, which pages of other origins may read along with the response. */
const STREAM_HEADERS = [
  ...[NEXT_OFFSET_HEADER, START_OFFSET_HEADER, ERROR_HEADER, ...CONTENT_HEADERS],
  ...[UP_TO_DATE_HEADER, CLOSED_HEADER, CURSOR_HEADER, TTL_HEADER, EXPIRES_HEADER, ENCODING_HEADER, "Location"],
  ...[PRODUCER_HEADERS.epoch, PRODUCER_HEADERS.seq, PRODUCER_HEADERS.expected, PRODUCER_HEADERS.received],
];

/** A pattern in which one label of a host name is free. */
interface Wildcard {
  readonly before: string;
  readonly behind: string;
}

/** The operator's list of origins, in addition to the server's own. */
export class Origins {
  readonly #exact = new Set<string>();
  readonly #wildcards: Wildcard[] = [];
  /** Whether any origin is allowed. */
  readonly any: boolean;
  /** Whether the list is empty. */
  readonly none: boolean;

  /**
   * @param list Origins such as `https://ci.example.com` or `tauri://localhost`; `https://*.example.com` matches one
   * more label, `*` any origin. Default: none.
   * @throws {TypeError} for an entry that is not an origin or can never match.
   */
  constructor(list: readonly string[] = []) {
    this.any = list.includes("*");
    this.none = list.length === 0;
    for (const text of list) {
      if (text === "*") continue;
      const { origin, wildcard } = parseOrigin(text);
      const [before = "", behind = ""] = origin.split("*");
      if (wildcard) this.#wildcards.push({ before, behind });
      else this.#exact.add(origin);
    }
  }

  /** Whether an `Origin` header is on the list. */
  allows(header: string): boolean {
    const origin = webOrigin(header) ?? header;
    if (this.any || this.#exact.has(origin)) return true;
    return this.#wildcards.some(({ before, behind }) => {
      if (!origin.startsWith(before) || !origin.endsWith(behind)) return false;
      return /^[\w-]+$/.test(origin.slice(before.length, -behind.length));
    });
  }
}

/**
 * Refuses a request that a page of a foreign origin makes.
 *
 * A page in a browser can open a WebSocket to any server that its visitor can reach, including the visitor's own
 * machine, and no same-origin rule prevents it from reading the data. Requests without an `Origin`, as from
 * command-line clients, pass, unless the browser declares that another site made them.
 *
 * @param host The host and port that the request was sent to.
 * @throws {StreamError} `forbidden`
 */
export function checkOrigin(c: Context, host: string | undefined, origins: Origins, hints: RefusalHints): void {
  const origin = c.req.header("Origin");
  if (origins.any) return;
  if (origin === undefined) {
    if (c.req.header("Sec-Fetch-Site")?.toLowerCase() !== "cross-site") return;
    throw new StreamError("forbidden", "Pages of other sites may not do this without an Origin header.");
  }
  if (origins.allows(origin) || isOwn(origin, host)) return;
  throw new StreamError(
    "forbidden",
    `Pages of the origin ${JSON.stringify(origin)} may not do this.${remedyFor(origin, hints)}`,
  );
}

/** Empty for an origin that cannot be listed, such as `null`. */
function remedyFor(origin: string, hints: RefusalHints): string {
  try {
    parseOrigin(origin);
    return ` The operator can allow it ${hints.origin(origin)}.`;
  } catch {
    return "";
  }
}

/** Lets pages of the listed origins read responses; pages of any origin if the list is empty. */
export function crossOrigin(origins: Origins): MiddlewareHandler {
  return cors({
    origin: origins.none || origins.any ? "*" : (origin) => (origins.allows(origin) ? origin : null),
    allowMethods: [...METHODS],
    exposeHeaders: [...STREAM_HEADERS, "Content-Range", "ETag", "Retry-After", REQUEST_ID_HEADER],
  });
}

/** Compares only hosts and ports: behind a proxy that terminates TLS, the request's scheme is not the page's. */
function isOwn(origin: string, host: string | undefined): boolean {
  const page = webOrigin(origin);
  if (!host || page === undefined) return false;
  const self = `${page.replace(/[^/]+$/, "")}${host}`;
  return URL.canParse(self) && new URL(self).origin === page;
}

/** A web origin as browsers write it: in lower case, without the default port of its scheme. */
function webOrigin(origin: string): string | undefined {
  if (!/^https?:\/\/[^/?#\\@\s]+$/i.test(origin) || !URL.canParse(origin)) return undefined;
  return new URL(origin).origin;
}

function parseOrigin(text: string): { origin: string; wildcard: boolean } {
  const [, scheme = "", star, rest = ""] = /^([a-z][a-z\d+.-]*):\/\/(\*\.)?([^\s/?#\\@*]+)$/i.exec(text) ?? [];
  const url = `${scheme.toLowerCase()}://${star ? "label." : ""}${rest}`;
  if (scheme === "" || /^(wss?|ftp|file)$/i.test(scheme) || !URL.canParse(url)) throw notAnOrigin(text);
  const { protocol, host, hostname } = new URL(url);
  // Case and default ports are normalized only for web schemes; all other origins are compared exactly.
  if (!/^https?:$/.test(protocol) && `${protocol}//${host}` !== url) throw notAnOrigin(text);
  if (star && !hostname.startsWith("label.")) throw notAnOrigin(text);
  const origin = `${protocol}//${star ? host.replace("label", "*") : host}`;
  return { origin, wildcard: star !== undefined };
}

function notAnOrigin(text: string): TypeError {
  const why =
    text === "null"
      ? "browsers send it for every sandboxed page and file, so it would allow all of them"
      : 'an origin looks like "https://example.com" or "https://*.example.com" (one label), without a path or a slash';
  return new TypeError(`${JSON.stringify(text)} is not an origin: ${why}.`);
}
