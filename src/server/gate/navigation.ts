/**
 * Detects browser navigation.
 * @module
 */
import type { Context } from "hono";
import { PROGRAM_PARAMETERS } from "../../protocol/parameters.ts";

/** The headers that {@link isNavigation} reads, for `Vary`. */
export const NAVIGATION_HEADERS = "Accept, Sec-Fetch-Dest, Upgrade-Insecure-Requests";

/**
 * Whether a request is the navigation of a browser, which needs a page for its window, and no part of the path. A
 * browser sends no `Sec-Fetch-Dest` to a server without TLS that is not on its machine.
 */
export function isNavigation(c: Context): boolean {
  if (!isReading(c)) return false;
  if (!/\btext\/html\b/i.test(c.req.header("Accept") ?? "")) return false;
  const dest = c.req.header("Sec-Fetch-Dest");
  if (dest === undefined ? c.req.header("Upgrade-Insecure-Requests") !== "1" : dest !== "document") return false;
  if (c.req.header("Range") !== undefined || c.req.header("X-Verb") !== undefined) return false;
  return !isFromProgram(c);
}

/** Whether a request asks for the page with `?view`, whatever its headers are. */
export function asksForPage(c: Context): boolean {
  return isReading(c) && c.req.query("view") !== undefined && !isFromProgram(c);
}

/** Whether a parameter of the request shows that a program sent it, whatever its headers are. */
export function isFromProgram(c: Context): boolean {
  return PROGRAM_PARAMETERS.some((name) => c.req.query(name) !== undefined);
}

function isReading({ req: { method } }: Context): boolean {
  return method === "GET" || method === "HEAD";
}
