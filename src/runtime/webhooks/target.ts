/**
 * Where webhooks may be sent to. Clients choose the URL, and the server must not reach what only it can reach.
 * @module
 */
import ipaddr from "ipaddr.js";

/** An address of a host. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/**
 * Checks a URL without looking its name up.
 *
 * @returns A sentence that says why it is refused; undefined if it is not.
 * @example
 * ```ts
 * refusalOfUrl("http://10.0.0.1/hook"); // "A webhook needs https. …"
 * ```
 */
export function refusalOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return "The URL of the webhook is not a URL.";
  const { protocol, hostname, username, password } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") return "The URL of the webhook must begin with https://.";
  if (username !== "" || password !== "") return "The URL of the webhook must not contain a user name or a password.";
  if (protocol === "http:" && !isLocalName(hostname)) {
    return "A webhook needs https; http is only for receivers on localhost or 127.0.0.1.";
  }
  const literal = literalIn(hostname);
  return literal === undefined || isAllowed(text, literal) ? undefined : refusalOfAddress(literal);
}

/** Whether webhooks for a URL may be sent to an address: a public one, or over http one of this machine. */
export function isAllowed(url: string, address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An address of IPv4 within one of IPv6 leads to the former.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (new URL(url).protocol === "http:") return range === "loopback";
  return range === "unicast" && !(parsed.kind() === "ipv6" && !isGlobal(parsed as ipaddr.IPv6));
}

/** The refusal of an address. */
export function refusalOfAddress(address: string): string {
  return `The URL of the webhook leads to ${address}, which is not a public address.`;
}

/** The address that a host name of a URL is, without brackets; undefined for a name. */
export function literalIn(hostname: string): string | undefined {
  const plain = hostname.replace(/^\[|\]$/g, "");
  return ipaddr.isValid(plain) ? plain : undefined;
}

/** Of IPv6, only 2000::/3 is in use as public addresses. */
function isGlobal(address: ipaddr.IPv6): boolean {
  return address.match(ipaddr.IPv6.parse("2000::"), 3);
}

function isLocalName(hostname: string): boolean {
  return hostname === "localhost" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
