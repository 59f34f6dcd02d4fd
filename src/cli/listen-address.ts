/**
 * Where to listen, as a user writes it.
 * @module
 */

/** A parsed `[HOST]:PORT`. */
export interface ListenAddress {
  /** Host name or address; all interfaces when left out. */
  readonly hostname?: string;
  /** 0 picks a free port. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT`, `:PORT` for all interfaces, `[IPV6]:PORT`.
 *
 * @throws {TypeError} for anything else.
 * @example
 * ```ts
 * parseListenAddress("[::1]:8080"); // { hostname: "::1", port: 8080 }
 * ```
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) {
    throw new TypeError(`It must be HOST:PORT, or :PORT for all interfaces, such as 127.0.0.1:8080.`);
  }
  const hostname = bracketed ?? plain;
  return hostname ? { hostname, port } : { port };
}

/** The URL under which a server that listens there can be opened on its own machine. */
export function localUrl({ hostname, port }: ListenAddress): string {
  const all = hostname === undefined || hostname === "0.0.0.0" || hostname === "::";
  const host = all ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}/`;
}
