/**
 * Whether a server can be reached from other machines.
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** Addresses of the machine itself, as URLs spell them. */
const LOOPBACK = /^(127\.|\[::1\]$|\[::ffff:7f[\da-f]{2}:)/;

/**
 * The name among a host name or address to listen on: none where it is an address, of which IPv4 has short forms.
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
 * Whether a host name or address to listen on is this machine's alone.
 *
 * @param hostname Nothing for all interfaces, which is not.
 * @example
 * ```ts
 * await isLoopback("::1"); // true
 * ```
 */
export async function isLoopback(hostname: string | undefined): Promise<boolean> {
  if (hostname === undefined) return false;
  if (/^(.+\.)?localhost\.?$/i.test(hostname)) return true;
  // A name that can't be looked up can't be listened on either, which is said then.
  const address = isIP(hostname)
    ? hostname
    : await lookup(hostname).then(
        (found) => found.address,
        () => "",
      );
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}/`;
  return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
}
