/**
 * Plain requests of the client. They have no body.
 * @module
 */
import { takesHeaders } from "./connect.ts";
import { followRedirects, withOurs } from "./redirect.ts";

/**
 * Sends a request and follows redirects by the rules of `redirect.ts`, as far as the platform permits.
 *
 * @throws {StreamError} `protocol` for a redirect that is not followed; any error of `fetch`.
 */
export async function request(url: URL, init: RequestInit): Promise<Response> {
  if (!takesHeaders()) return await inBrowser(url, init);
  const first = { url, headers: new Headers(init.headers) };
  return await followRedirects<never>(first, (hop) =>
    fetch(hop.url, { ...init, headers: hop.headers, redirect: "manual" }),
  );
}

/**
 * A browser follows redirects itself and shows only the final URL. If parameters were dropped, requests that URL again
 * with them.
 */
async function inBrowser(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "follow" });
  if (!response.redirected) return response;
  const place = withOurs(new URL(response.url), url);
  if (place.href === response.url) return response;
  await response.body?.cancel();
  const headers = place.origin === url.origin ? init.headers : {};
  return await fetch(place, { ...init, ...(headers && { headers }), redirect: "follow" });
}
