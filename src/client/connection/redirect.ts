/**
 * Redirects, with the same rules for requests and for WebSockets.
 *
 * The built-in handling of the platforms does not suffice: WebSockets do not follow redirects, `fetch` sends the
 * caller's headers to other servers, and a server that moves a path usually drops the verb.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { PROTOCOL_PARAMETERS } from "../../protocol/parameters.ts";
import { MAX_REDIRECTS } from "./limits.ts";

/** One request of a redirect chain. */
export interface Hop {
  /** The URL to request, as `http:` or `https:`. */
  readonly url: URL;
  readonly headers: Headers;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Credentials in the query; like headers, they are kept for the same origin only. */
const CREDENTIALS = ["access_token"] as const;

const SCHEMES: Readonly<Record<string, string>> = { "ws:": "http:", "wss:": "https:" };

/**
 * Sends a request and follows its redirects. For requests without a body.
 *
 * Adds the parameters of the protocol that a `Location` lacks. Headers are not sent to another origin.
 *
 * @param first The initial request.
 * @param ask Sends one request without following redirects.
 * @throws {StreamError} `protocol`, with the target in the message, for a redirect that is not followed: from https to
 * http, to another scheme, in a circle, after more than 10, or to a page that is not a stream.
 */
export async function followRedirects<T>(first: Hop, ask: (hop: Hop) => Promise<T | Response>): Promise<T | Response> {
  const seen = new Set<string>();
  for (let hop = first; ; ) {
    seen.add(hop.url.href);
    const answer = await ask(hop);
    if (!(answer instanceof Response)) return answer;
    const place = REDIRECTS.has(answer.status) ? answer.headers.get("Location") : null;
    if (place === null) return seen.size > 1 ? expectStream(answer, first.url, hop.url) : answer;
    await answer.body?.cancel();
    hop = nextHop(hop, place, first.url);
    const shown = `${first.url.origin}${first.url.pathname}`;
    if (seen.has(hop.url.href))
      throw refused(`The server redirects ${shown} in a circle, back to ${hop.url}.`, first.url);
    if (seen.size > MAX_REDIRECTS) {
      throw refused(
        `The server redirects ${shown} more than ${MAX_REDIRECTS} times, at last to ${hop.url}.`,
        first.url,
      );
    }
  }
}

/**
 * Returns `place` with the protocol's parameters of `from`, and with its credentials if the origin is the same.
 *
 * @param place The URL that the request is redirected to.
 * @param from The URL of the request.
 * @example
 * ```ts
 * withOurs(new URL("http://h/b"), new URL("http://h/a?verb=FOLLOW")).href; // "http://h/b?verb=FOLLOW"
 * ```
 */
export function withOurs(place: URL, from: URL): URL {
  const url = new URL(place);
  const credentials = url.origin === from.origin ? CREDENTIALS : [];
  for (const name of [...PROTOCOL_PARAMETERS, ...credentials]) {
    const value = from.searchParams.get(name);
    if (value === null || url.searchParams.get(name) === value) continue;
    // Not always through `searchParams`, which reserializes the whole query and would break a signed one.
    if (url.searchParams.has(name)) url.searchParams.set(name, value);
    else url.search += `${url.search === "" ? "" : "&"}${name}=${encodeURIComponent(value)}`;
  }
  return url;
}

function nextHop({ url: from, headers }: Hop, place: string, asked: URL): Hop {
  const url = URL.canParse(place, from) ? new URL(place, from) : undefined;
  if (url) url.protocol = SCHEMES[url.protocol] ?? url.protocol;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw refused(`The server redirects to ${JSON.stringify(place)}, which is not an http or https URL.`, asked);
  }
  // A password in the URL would come from the server, not from the caller.
  url.username = url.password = url.hash = "";
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw refused(`The server redirects to ${url}, which is not encrypted. Use that URL if this is intended.`, asked);
  }
  return { url: withOurs(url, from), headers: url.origin === from.origin ? headers : new Headers() };
}

/** An HTML page, such as a login form, must not be mistaken for the bytes of a resource. */
function expectStream(answer: Response, asked: URL, place: URL): Response {
  const { headers, ok } = answer;
  const ours = headers.has(NEXT_OFFSET_HEADER) || headers.has(START_OFFSET_HEADER);
  const isPage =
    headers.get("Content-Type")?.toLowerCase().startsWith("text/html") && !/\.html?$/i.test(place.pathname);
  if (!ok || ours || !isPage) return answer;
  void answer.body?.cancel().catch(() => {});
  throw refused(`The server redirects to ${place}, which is a web page, not a stream.`, asked);
}

function refused(message: string, url: URL): StreamError {
  return new StreamError("protocol", message, { path: url.href });
}
