/**
 * Redirects, for requests and for WebSockets, by the same rules.
 *
 * A platform's own way will not do: no WebSocket follows a redirect, `fetch` sends a caller's headers to other servers,
 * and a server that moves a path mostly forgets the verb.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { MOST_REDIRECTS } from "./limits.ts";

/** One request on its way. */
export interface Hop {
  /** Where it goes, as `http:` or `https:`. */
  readonly url: URL;
  readonly headers: Headers;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What a request means by itself, wherever it is sent to. */
const OURS = ["verb", "offset", "tail", "session", "generation", "stay"] as const;

/** Credentials in the query: for the same origin only, as headers are. */
const CREDENTIALS = ["access_token"] as const;

const SCHEMES: Readonly<Record<string, string>> = { "ws:": "http:", "wss:": "https:" };

/**
 * Asks, and asks again wherever the answer leads. For requests without a body.
 *
 * Parameters of ours that a `Location` does not have are added to it. Another origin gets none of the caller's headers.
 *
 * @param first Where to begin.
 * @param ask Makes one request without following redirects.
 * @throws {StreamError} `protocol`, with the place in its message, for a redirect that is not followed: from https to
 * http, to another scheme, in a circle, after too many, or to a page that is no stream.
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
    if (seen.size > MOST_REDIRECTS) {
      throw refused(
        `The server redirects ${shown} more than ${MOST_REDIRECTS} times, at last to ${hop.url}.`,
        first.url,
      );
    }
  }
}

/**
 * The URL with every parameter of ours that another one has and it lacks, and with the credentials of the same origin.
 *
 * @param place Where the request is sent on to.
 * @param from What it was.
 */
export function withOurs(place: URL, from: URL): URL {
  const url = new URL(place);
  const kept: readonly string[] = url.origin === from.origin ? [...OURS, ...CREDENTIALS] : OURS;
  for (const name of kept) {
    const value = from.searchParams.get(name);
    if (value === null || url.searchParams.get(name) === value) continue;
    // Not always through `searchParams`, which writes the whole query anew: it may be signed.
    if (url.searchParams.has(name)) url.searchParams.set(name, value);
    else url.search += `${url.search === "" ? "" : "&"}${name}=${encodeURIComponent(value)}`;
  }
  return url;
}

function nextHop({ url: from, headers }: Hop, place: string, asked: URL): Hop {
  const url = URL.canParse(place, from) ? new URL(place, from) : undefined;
  if (url) url.protocol = SCHEMES[url.protocol] ?? url.protocol;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw refused(`The server redirects to ${JSON.stringify(place)}, which is no http or https URL.`, asked);
  }
  // A password in it would be the server's, not the caller's.
  url.username = url.password = url.hash = "";
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw refused(`The server redirects to ${url}, which is not encrypted. Use that URL if this is meant.`, asked);
  }
  return { url: withOurs(url, from), headers: url.origin === from.origin ? headers : new Headers() };
}

/** A page to log in with, say, must not be taken for the bytes of a resource. */
function expectStream(answer: Response, asked: URL, place: URL): Response {
  const { headers, ok } = answer;
  const ours = headers.has(NEXT_OFFSET_HEADER) || headers.has(START_OFFSET_HEADER);
  const isPage =
    headers.get("Content-Type")?.toLowerCase().startsWith("text/html") && !/\.html?$/i.test(place.pathname);
  if (!ok || ours || !isPage) return answer;
  void answer.body?.cancel().catch(() => {});
  throw refused(`The server redirects to ${place}, where a web page is and no stream.`, asked);
}

function refused(message: string, url: URL): StreamError {
  return new StreamError("protocol", message, { path: url.href });
}
