/**
 * Determines whether a server can be reached from other machines.
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** Loopback addresses as URLs spell them. */
const LOOPBACK = /^(127\.|\[::1\]$|\[::ffff:7f[\da-f]{2}:)/;

/**
 * The host name in the host to listen on, or an empty array for an address. Recognizes the short forms of IPv4
 * addresses.
 *
 * @example
 * ```ts
 * nameOf("Build-Box"); // ["build-box"]
 * nameOf("127.1"); // []
 * ```
 */
export function nameOf(hostname: string | undefined): string[] {
  const url = `http://${hostname}/`;
  if (hostname === undefined || isIP(hostname) || !URL.canParse(url)) return [];
  const name = new URL(url).hostname;
  return isIP(name) ? [] : [name];
}

/**
 * Whether only this machine can reach the host to listen on.
 *
 * @param hostname A host name or address; undefined for all interfaces, which yields false.
 * @example
 * ```ts
 * await isLoopback("::1"); // true
 * ```
 */
export async function isLoopback(hostname: string | undefined): Promise<boolean> {
  if (hostname === undefined) return false;
  if (/^(.+\.)?localhost\.?$/i.test(hostname)) return true;
  // If the name cannot be resolved, listening fails, and that error is reported.
  const address = isIP(hostname)
    ? hostname
    : await lookup(hostname).then(
        (found) => found.address,
        () => "",
      );
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}/`;
  return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
}
