/**
 * Parses the address to listen on, as users write it.
 * @module
 */

/** A parsed `[HOST]:PORT`. */
export interface ListenAddress {
  /** Host name or address. Default: all interfaces. */
  readonly hostname?: string;
  /** The port; 0 picks a free one. */
  readonly port: number;
}

/** The host of an address that is only a port: reachable from this machine only. */
const LOCAL = "127.0.0.1";

/**
 * Parses `HOST:PORT`, `:PORT` for all interfaces, `[IPV6]:PORT`, and `PORT` alone for this machine.
 *
 * @throws {TypeError} for anything else.
 * @example
 * ```ts
 * parseListenAddress("[::1]:8080"); // { hostname: "::1", port: 8080 }
 * parseListenAddress("8080"); // { hostname: "127.0.0.1", port: 8080 }
 * ```
 */
export function parseListenAddress(text: string): ListenAddress {
  if (/^\d+$/.test(text)) return { hostname: LOCAL, port: parsePort(text) };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s/]*)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new TypeError("It must be HOST:PORT, :PORT for all interfaces, or PORT, such as 127.0.0.1:8080.");
  }
  const port = parsePort(digits);
  const hostname = bracketed ?? plain;
  return hostname ? { hostname, port } : { port };
}

/**
 * Parses a port.
 *
 * @throws {TypeError} for anything but a whole number from 0 to 65535.
 * @example
 * ```ts
 * parsePort("8080"); // 8080
 * ```
 */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new TypeError("A port must be a whole number from 0 to 65535; 0 for a free one.");
}

/**
 * The URL that opens a server with this address on its own machine.
 *
 * @example
 * ```ts
 * localUrl({ port: 8080 }); // "http://localhost:8080/"
 * ```
 */
export function localUrl({ hostname, port }: ListenAddress): string {
  const all = hostname === undefined || hostname === "0.0.0.0" || hostname === "::";
  const host = all ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}/`;
}
