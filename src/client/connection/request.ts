/**
 * The HTTP requests of the client.
 * @module
 */
import { takesHeaders } from "./connect.ts";
import { orAborted } from "./or-aborted.ts";
import { followRedirects, withOurs } from "./redirect.ts";

/**
 * A function like the global `fetch`, such as `app.fetch` or `app.request` of a Hono app. The client passes every request
 * as a `Request` object.
 *
 * @example
 * ```ts
 * const throughApp: FetchFunction = (request) => app.fetch(request);
 * ```
 */
export type FetchFunction = (request: Request, init?: RequestInit) => Response | Promise<Response>;

/** Sends one request. */
type Send = (url: URL, init: RequestInit) => Promise<Response>;

/**
 * Sends a request and follows redirects by the rules of `redirect.ts`, as far as the platform permits. The redirect of
 * a request that has a body, or that changes something, is not followed but returned.
 *
 * @throws {StreamError} `protocol` for a redirect that is not followed; any error of `fetch`.
 */
export const request: Send = requestWith((url, init) => fetch(url, init));

/** Like {@link request}, through a function in place of the global `fetch`. */
export function requestThrough(given: FetchFunction): Send {
  return requestWith(async (url, init) => {
    // A function that serves the request in this process may not know the signal.
    const answer = given(new Request(url, init));
    return await orAborted(answer, init.signal ?? undefined, (late) => {
      void late.body?.cancel().catch(() => {});
    });
  });
}

function requestWith(send: Send): Send {
  // The URL of a page may contain a token.
  const ask: Send = (url, init) => send(url, { ...init, referrerPolicy: "no-referrer" });
  return async (url, init) => {
    const { method = "GET", body } = init;
    if (body || (method !== "GET" && method !== "HEAD")) return await ask(url, { ...init, redirect: "manual" });
    if (!takesHeaders()) return await inBrowser(ask, url, init);
    const first = { url, headers: new Headers(init.headers) };
    return await followRedirects<never>(first, (hop) =>
      ask(hop.url, { ...init, headers: hop.headers, redirect: "manual" }),
    );
  };
}

/**
 * A browser follows redirects itself and shows only the final URL. If parameters were dropped, requests that URL again
 * with them.
 */
async function inBrowser(ask: Send, url: URL, init: RequestInit): Promise<Response> {
  const response = await ask(url, { ...init, redirect: "follow" });
  if (!response.redirected) return response;
  const place = withOurs(new URL(response.url), url);
  if (place.href === response.url) return response;
  await response.body?.cancel();
  const headers = place.origin === url.origin ? init.headers : {};
  return await ask(place, { ...init, ...(headers && { headers }), redirect: "follow" });
}
