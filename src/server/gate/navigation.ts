/**
 * Detects browser navigation.
 * @module
 */
import type { Context } from "hono";

/** Parameters of programs, which want bytes and not a page. */
const PARAMETERS = [
  ...["raw", "offset", "tail", "verb", "session", "generation", "stay", "live", "cursor", "lines", "search"],
];

/** The headers that {@link isNavigation} reads, for `Vary`. */
export const NAVIGATION_HEADERS = "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests";

/**
 * Whether a request is the navigation of a browser: it wants a page for its window, and no part of the path. A browser
 * sends no `Sec-Fetch-Dest` to a server without TLS that is not on its machine.
 */
export function isNavigation(c: Context): boolean {
  if (!isReading(c)) return false;
  if (!/\btext\/html\b/i.test(c.req.header("Accept") ?? "")) return false;
  const dest = c.req.header("Sec-Fetch-Dest");
  if (dest === undefined ? c.req.header("Upgrade-Insecure-Requests") !== "1" : dest !== "document") return false;
  if (c.req.header("Range") !== undefined || c.req.header("X-Verb") !== undefined) return false;
  return !asksForBytes(c);
}

/** Whether a request names the page with `?view`, whatever its headers are. */
export function asksForPage(c: Context): boolean {
  return isReading(c) && c.req.query("view") !== undefined && !asksForBytes(c);
}

/** Whether a parameter of the request says that it wants bytes, whatever its headers are. */
export function asksForBytes(c: Context): boolean {
  return PARAMETERS.some((name) => c.req.query(name) !== undefined);
}

function isReading({ req: { method } }: Context): boolean {
  return method === "GET" || method === "HEAD";
}
