/**
 * Which web pages may listen in and write.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../core/errors.ts";

/**
 * Refuses a request that a page of a foreign origin makes.
 *
 * Any page in a browser can open a WebSocket to any server that its visitor reaches, their own machine included, and
 * no same-origin rule stops it from reading along. Requests without an `Origin`, as from commands, pass.
 *
 * @throws {StreamError} `forbidden`
 */
export function checkOrigin(c: Context, allowed: ReadonlySet<string>): void {
  const origin = c.req.header("Origin");
  if (origin === undefined || allowed.has("*") || allowed.has(origin) || isOwn(origin, c.req.header("Host"))) return;
  throw new StreamError(
    "forbidden",
    `Pages of the origin ${JSON.stringify(origin)} may not do this here. The operator can allow it with the "origins" option.`,
  );
}

/** Compares hosts and ports only: behind a proxy that ends TLS, the scheme that we see is not the page's. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (!host || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const self = `${page.protocol}//${host}`;
  return page.host !== "" && URL.canParse(self) && new URL(self).host === page.host;
}
