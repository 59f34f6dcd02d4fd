/**
 * Plain requests of the client, which have no body.
 * @module
 */
import { takesHeaders } from "./connect.ts";
import { followRedirects, withOurs } from "./redirect.ts";

/**
 * Makes a request, and follows redirects by the rules of `redirect.ts`, as far as the platform lets us.
 *
 * @throws {StreamError} `protocol` for a redirect that is not followed; whatever `fetch` throws.
 */
export async function request(url: URL, init: RequestInit): Promise<Response> {
  if (!takesHeaders()) return await inBrowser(url, init);
  const first = { url, headers: new Headers(init.headers) };
  return await followRedirects<never>(first, (hop) =>
    fetch(hop.url, { ...init, headers: hop.headers, redirect: "manual" }),
  );
}

/** A browser shows no redirect, only where it led; what got lost on the way is asked for there once more. */
async function inBrowser(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "follow" });
  if (!response.redirected) return response;
  const place = withOurs(new URL(response.url), url);
  if (place.href === response.url) return response;
  await response.body?.cancel();
  const headers = place.origin === url.origin ? init.headers : {};
  return await fetch(place, { ...init, ...(headers && { headers }), redirect: "follow" });
}
