/**
 * The host names that a server answers to.
 *
 * A web page can make its own host name resolve to the address of its visitor's machine (DNS rebinding). The browser
 * then treats a server there as the page's own and sends no foreign `Origin`; only `Host` still has the page's name.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import type { RefusalHints } from "./refusal-hints.ts";

/**
 * A valid `Host`: a name or an address, with an optional port. Two headers arrive joined by a comma, which does not
 * match.
 */
const HOST = /^(?<name>[\w.-]+|\[[\da-f:.]+\])(?::(?<port>\d{0,5}))?$/i;

/** A name in the operator's list. */
const NAME = /^(\*\.)?[a-z\d_-]+(\.[a-z\d_-]+)*$/;

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/**
 * The names that a server answers to. IP addresses and `localhost` are always allowed, as DNS rebinding cannot use
 * them.
 */
export class Hosts {
  readonly #names: ReadonlySet<string>;

  /**
   * @param names Names without a port; `*.example.com` matches one more label, `*` any name. IPv6 addresses are in
   * brackets.
   * @throws {TypeError} for an invalid name.
   */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(parseName));
  }

  /** Whether a name or address, without its port, belongs to the server. */
  allows(name: string): boolean {
    const plain = normal(isDotted(name) ? (asUrlsSpell(name) ?? name) : name);
    if (IPV4.test(plain) || plain.startsWith("[")) return true;
    // Browsers and resolvers resolve these to the local machine only (RFC 6761).
    if (plain === "localhost" || plain.endsWith(".localhost")) return true;
    const names = this.#names;
    return names.has("*") || names.has(plain) || names.has(plain.replace(/^[^.]+/, "*"));
  }
}

/**
 * The names, without ports, by which a request addresses the server: in its `Host` header, in its authority over
 * HTTP/2, and in its target if that is an absolute URL. Empty if it has no host.
 *
 * @throws {StreamError} `bad_request` for an invalid `Host`, or for two of them.
 */
export function namesOf(c: Context, authority: string | undefined, target: string | undefined): string[] {
  const [, inTarget] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target ?? "") ?? [];
  const given = [c.req.header("Host"), authority, inTarget].filter((host) => host !== undefined && host !== "");
  return given.map((host = "") => {
    const name = HOST.exec(host)?.groups?.["name"];
    if (name !== undefined) return name;
    throw new StreamError(
      "bad_request",
      `The Host ${JSON.stringify(host)} is not a name with an optional port. Send one such header.`,
    );
  });
}

/** @throws {StreamError} `misdirected` if one of the names does not belong to the server. */
export function checkHost(names: readonly string[], hosts: Hosts, hints: RefusalHints): void {
  const foreign = names.find((name) => !hosts.allows(name));
  if (foreign === undefined) return;
  throw new StreamError(
    "misdirected",
    `"${foreign}" is not a name of this server. Its operator can allow the name ${hints.host(foreign)}.`,
  );
}

/**
 * A `Host` header as URLs spell it: in lower case, with addresses in their shortest form, and without a colon that no
 * port follows. `undefined` if no URL can contain it.
 *
 * @example
 * ```ts
 * usableHost("LOCALHOST:8080"); // "localhost:8080"
 * usableHost("[::0001]:"); // "[::1]"
 * ```
 */
export function usableHost(host: string): string | undefined {
  // Hot path: nearly all requests have the same host.
  if (host !== latest.host) latest = { host, spelled: spell(host) };
  return latest.spelled;
}

/** The last host, and how URLs spell it. */
let latest: { readonly host: string; readonly spelled: string | undefined } = { host: "", spelled: undefined };

function spell(host: string): string | undefined {
  const { name, port } = HOST.exec(host)?.groups ?? {};
  // The URL parser rejects an invalid port, such as 99999.
  const spelled = name === undefined ? undefined : asUrlsSpell(host);
  return spelled !== undefined && port ? `${spelled}:${port}` : spelled;
}

/** The name of a `Host` as URLs spell it; `undefined` if no URL can contain it. */
function asUrlsSpell(host: string): string | undefined {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Whether URL parsers may read the name as an address, as they do with `127.1`. */
function isDotted(name: string): boolean {
  return /[.[]/.test(name);
}

function parseName(text: string): string {
  const name = normal(text);
  const address = IPV4.test(name) || /^\[[\da-f:.]+\]$/.test(name);
  if (name === "*" || address || (NAME.test(name) && !/^[\d.]+$/.test(name))) return name;
  throw new TypeError(
    `${JSON.stringify(text)} is not a host name; a host name looks like "streams.example.com", without a scheme or a port.`,
  );
}

/** Removes differences that do not count: case, and the dot of the root domain. */
function normal(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
