/**
 * The target of a connection: the URL with its verb and start, and the headers.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { START_PARAMETERS } from "../../protocol/parameters.ts";

/** Headers to send, in any of the usual forms. */
export type HeadersLike = Headers | Record<string, string> | Iterable<readonly [string, string]>;

/** Where a follow starts. Default: at the first byte. */
export interface StartOptions {
  /** The offset of the first byte in bytes, or `"now"` for new bytes only. */
  offset?: number | "now";
  /** Start this many bytes before the current end. */
  tail?: number;
  /**
   * Where to start on a Durable Streams server, which identifies places by tokens: the {@link FollowStream.position} of an
   * earlier follow, or a `Stream-Next-Offset` of the server. Implies `protocol: "durable-streams"`.
   */
  position?: string;
  /**
   * The content generation that the offset belongs to, from {@link FollowStream.generation} or {@link ResumePoint}. If
   * the resource has other content, the operation fails with `replaced`. Default: any content.
   */
  generation?: string;
}

/** What a follow asks for. */
export interface FollowQuery extends StartOptions {
  /** Whether to follow over any number of appends. Default false. */
  stay?: boolean;
}

/** A resource on a server, as the user specified it. */
export interface Target {
  /** The resource, as `http:` or `https:`, without credentials, verb and fragment. */
  readonly url: URL;
  /** Headers to send; credentials of the URL become an `Authorization` header. */
  readonly headers: Headers;
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  "http:": "http:",
  "https:": "https:",
  "ws:": "http:",
  "wss:": "https:",
};

/**
 * Parses a URL as users write it.
 *
 * @throws {StreamError} `bad_request` for anything but an http, https, ws or wss URL.
 * @example
 * ```ts
 * parseTarget("ws://me:secret@host/a.log#end").url.href; // "http://host/a.log"
 * ```
 */
export function parseTarget(given: string | URL, headers: HeadersLike = {}): Target {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  const parsed = URL.canParse(String(given), base) ? new URL(given, base) : undefined;
  const protocol = parsed && PROTOCOLS[parsed.protocol];
  if (!parsed || !protocol || parsed.host === "") {
    throw new StreamError("bad_request", describeFault(String(given)));
  }
  const sent = new Headers(headers instanceof Headers ? headers : Array.from(entriesOf(headers)));
  if (parsed.username && !sent.has("Authorization")) {
    sent.set("Authorization", `Basic ${base64(`${decode(parsed.username)}:${decode(parsed.password)}`)}`);
  }
  // The setter of `protocol` refuses nothing here: all four are special schemes.
  parsed.protocol = protocol;
  parsed.username = parsed.password = parsed.hash = "";
  return { url: parsed, headers: sent };
}

/** Explains what is wrong with an invalid URL, without revealing its password. */
function describeFault(given: string): string {
  const shown = `"${given.replace(/\/\/[^/?#]*@/, "//")}"`;
  const [, scheme, host = ""] = /^(https?|wss?):\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(given) ?? [];
  if (scheme === undefined) return `${shown} is not a URL that begins with http://, https://, ws:// or wss://.`;
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(host) ?? [];
  if (name === "") return `${shown} has no host.`;
  if (port !== undefined && !(/^\d*$/.test(port) && Number(port) <= 65_535)) {
    return `${shown} has the port "${port}", which is not a number from 0 to 65535.`;
  }
  return `${shown} has the invalid host "${host}".`;
}

/**
 * The target's URL with a verb and, for a follow, what it asks for.
 *
 * @throws {StreamError} `bad_request` for a start that is not a whole number, for both `offset` and `tail`, or for a
 * URL that already contains such a parameter.
 * @example
 * ```ts
 * withVerb(new URL("http://host/a.log"), "FOLLOW", { tail: 10 }).href; // "http://host/a.log?verb=FOLLOW&tail=10"
 * ```
 */
export function withVerb(url: URL, verb: "APPEND" | "FOLLOW", query: FollowQuery = {}): URL {
  const { offset, tail, position, generation, stay = false } = query;
  if ([offset, tail, position].filter((given) => given !== undefined).length > 1)
    throw new StreamError("bad_request", `Give only one of "offset", "tail" and "position".`);
  // In the user's URL, they would contradict the options.
  const own = START_PARAMETERS.find((name) => url.searchParams.has(name));
  if (own !== undefined) {
    const way = own === "session" ? 'the option "resume"' : `the option "${own}"`;
    throw new StreamError("bad_request", `The URL has "${own}" in its query. Leave it out, and use ${way} instead.`);
  }
  const asked = new URL(url);
  asked.searchParams.set("verb", verb);
  if (offset !== undefined) asked.searchParams.set("offset", offset === "now" ? offset : count("offset", offset));
  if (tail !== undefined) asked.searchParams.set("tail", count("tail", tail));
  if (generation !== undefined) asked.searchParams.set("generation", generation);
  if (stay) asked.searchParams.set("stay", "1");
  return asked;
}

/** The parameters of an append. With a session, the server determines the offset. */
export interface AppendQuery {
  readonly session: string | undefined;
  readonly generation: string | undefined;
  readonly offset: number | undefined;
}

/**
 * The target's URL for an append.
 *
 * @throws {StreamError} `bad_request` for an offset that is not a whole number.
 * @example
 * ```ts
 * const session = { session: "token", generation: undefined, offset: undefined };
 * appendUrl(new URL("http://host/a.log"), session).href; // "http://host/a.log?verb=APPEND&session=token"
 * ```
 */
export function appendUrl(url: URL, { session, generation, offset }: AppendQuery): URL {
  if (session === undefined) return withVerb(url, "APPEND", offset === undefined ? {} : { offset });
  const asked = withVerb(url, "APPEND", generation === undefined ? {} : { generation });
  asked.searchParams.set("session", session);
  return asked;
}

/**
 * The same URL with the scheme of a WebSocket.
 *
 * @example
 * ```ts
 * socketUrl(new URL("https://host/a.log")).href; // "wss://host/a.log"
 * ```
 */
export function socketUrl(url: URL): URL {
  const socket = new URL(url);
  socket.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return socket;
}

function count(name: string, value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new StreamError("bad_request", `"${name}" must be a whole number of bytes, not ${value}.`);
}

function entriesOf(headers: Record<string, string> | Iterable<readonly [string, string]>): Iterable<[string, string]> {
  const pairs = Symbol.iterator in headers ? (headers as Iterable<readonly [string, string]>) : Object.entries(headers);
  return Array.from(pairs, ([name, value]) => [name, value]);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
