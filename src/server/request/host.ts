/**
 * Which names a server answers to.
 *
 * A web page may let its own name mean the address of its visitor's machine (DNS rebinding). The browser then takes a
 * server there for the page's own, and sends no foreign `Origin`; only `Host` still has the page's name.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import type { Remedies } from "./remedies.ts";

/** A `Host` as a client can mean it: a name or an address, and perhaps a port. A comma stands between two headers. */
const HOST = /^(?<name>[\w.-]+|\[[\da-f:.]+\])(?::(?<port>\d{0,5}))?$/i;

/** A name in the operator's list. */
const NAME = /^(\*\.)?[a-z\d_-]+(\.[a-z\d_-]+)*$/;

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** The names that a server answers to, beside addresses and `localhost`, which no one else can make mean this machine. */
export class Hosts {
  readonly #names: ReadonlySet<string>;

  /**
   * @param names Names without a port; `*.example.com` for one label more, `*` for any. IPv6 addresses in brackets.
   * @throws {TypeError} for a name that can't be one.
   */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(parseName));
  }

  /** Whether a name or address, without its port, is one of the server's. */
  allows(name: string): boolean {
    const plain = normal(isDotted(name) ? (asUrlsSpell(name) ?? name) : name);
    if (IPV4.test(plain) || plain.startsWith("[")) return true;
    // Browsers and resolvers keep these to the machine itself (RFC 6761).
    if (plain === "localhost" || plain.endsWith(".localhost")) return true;
    const names = this.#names;
    return names.has("*") || names.has(plain) || names.has(plain.replace(/^[^.]+/, "*"));
  }
}

/**
 * The names, without ports, by which a request calls the server: those of its `Host` header, of its authority over HTTP/2,
 * and of its target where that is a whole URL. None where it has none of them.
 *
 * @throws {StreamError} `bad_request` for a `Host` that is none, or for two of them.
 */
export function namesOf(c: Context, authority: string | undefined, target: string | undefined): string[] {
  const [, inTarget] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target ?? "") ?? [];
  const given = [c.req.header("Host"), authority, inTarget].filter((host) => host !== undefined && host !== "");
  return given.map((host = "") => {
    const name = HOST.exec(host)?.groups?.["name"];
    if (name !== undefined) return name;
    throw new StreamError(
      "bad_request",
      `The Host ${JSON.stringify(host)} is not one name with a port. Send one such header.`,
    );
  });
}

/** @throws {StreamError} `misdirected` when one of the names is not the server's. */
export function checkHost(names: readonly string[], hosts: Hosts, remedies: Remedies): void {
  const foreign = names.find((name) => !hosts.allows(name));
  if (foreign === undefined) return;
  throw new StreamError(
    "misdirected",
    `This server does not know itself as "${foreign}". Its operator can allow the name ${remedies.host(foreign)}.`,
  );
}

/**
 * A `Host` header as URLs spell it: in small letters, addresses in their shortest form, no colon without a port behind it.
 * Nothing for one that no URL can have.
 *
 * @example
 * ```ts
 * usableHost("LOCALHOST:8080"); // "localhost:8080"
 * usableHost("[::0001]:"); // "[::1]"
 * ```
 */
export function usableHost(host: string): string | undefined {
  const { name, port } = HOST.exec(host)?.groups ?? {};
  // A port that is none, such as 99999, is for the URL to refuse.
  const spelled = name === undefined ? undefined : asUrlsSpell(host);
  return spelled !== undefined && port ? `${spelled}:${port}` : spelled;
}

/** The name of a `Host` as URLs spell it; nothing where it can't stand in one. */
function asUrlsSpell(host: string): string | undefined {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Whether URLs may take it for an address: `127.1` is one. */
function isDotted(name: string): boolean {
  return /[.[]/.test(name);
}

function parseName(text: string): string {
  const name = normal(text);
  const address = IPV4.test(name) || /^\[[\da-f:.]+\]$/.test(name);
  if (name === "*" || address || (NAME.test(name) && !/^[\d.]+$/.test(name))) return name;
  throw new TypeError(
    `${JSON.stringify(text)} is not a host name; one looks like "streams.example.com", without a scheme or a port.`,
  );
}

/** Case does not count, nor does the dot of a name's root. */
function normal(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
