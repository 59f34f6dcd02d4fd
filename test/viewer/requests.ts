/**
 * The kinds of requests that a path gets, and what each is answered with.
 * @module
 */

/** The headers of one kind of request. */
export type RequestHeaders = Readonly<Record<string, string>>;

const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/** The navigation of a browser to a server with TLS or on this machine. */
export const NAVIGATION: RequestHeaders = {
  Accept: HTML,
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Mode": "navigate",
  "Upgrade-Insecure-Requests": "1",
};

/** The same to any other server: browsers send no `Sec-Fetch-*` there. */
export const PLAIN_NAVIGATION: RequestHeaders = { Accept: HTML, "Upgrade-Insecure-Requests": "1" };

/** A request, and whether it gets the page. */
export interface RequestKind {
  readonly name: string;
  readonly page: boolean;
  readonly headers?: RequestHeaders;
  /** The query, with its question mark. */
  readonly query?: string;
  readonly method?: "GET" | "HEAD";
}

/** The kinds of requests. */
export const KINDS: readonly RequestKind[] = [
  { name: "a navigation", page: true, headers: NAVIGATION },
  { name: "a navigation on plain HTTP", page: true, headers: PLAIN_NAVIGATION },
  { name: "the head of a navigation", page: true, headers: NAVIGATION, method: "HEAD" },
  {
    name: "a navigation with the parameter of a middleware",
    page: true,
    headers: NAVIGATION,
    query: "?token=x&limit=3",
  },
  { name: "?view", page: true, query: "?view" },
  { name: "?view of fetch", page: true, headers: { Accept: "*/*", "Sec-Fetch-Dest": "empty" }, query: "?view" },
  { name: "curl and wget", page: false, headers: { Accept: "*/*" } },
  { name: "a program without Accept", page: false },
  { name: "Java", page: false, headers: { Accept: "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2" } },
  { name: "fetch", page: false, headers: { Accept: "*/*", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors" } },
  { name: "fetch of HTML", page: false, headers: { Accept: HTML, "Sec-Fetch-Dest": "empty" } },
  { name: "an image", page: false, headers: { Accept: "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Dest": "image" } },
  { name: "a video", page: false, headers: { Accept: "*/*", "Sec-Fetch-Dest": "video", Range: "bytes=0-" } },
  { name: "a frame", page: false, headers: { ...NAVIGATION, "Sec-Fetch-Dest": "iframe" } },
  { name: "a script", page: false, headers: { Accept: "*/*", "Sec-Fetch-Dest": "script" } },
  { name: "a download", page: false, headers: { "Sec-Fetch-Dest": "empty" } },
  { name: "a part of it", page: false, headers: { ...NAVIGATION, Range: "bytes=0-4" } },
  { name: "a navigation with a verb", page: false, headers: { ...NAVIGATION, "X-Verb": "FOLLOW" } },
  { name: "?raw", page: false, headers: NAVIGATION, query: "?raw" },
  { name: "?raw&view", page: false, headers: NAVIGATION, query: "?raw&view" },
  { name: "?offset", page: false, headers: NAVIGATION, query: "?offset=2" },
  { name: "?tail", page: false, headers: NAVIGATION, query: "?tail=2" },
  { name: "?verb", page: false, headers: NAVIGATION, query: "?verb=FOLLOW" },
  { name: "?live", page: false, headers: NAVIGATION, query: "?live=long-poll&offset=0" },
];
